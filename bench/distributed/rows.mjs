const RAW = { sustained: 'raw/sustained', idle: 'raw/idle' }

/** As the rows of the embedded benchmark: `figure` of entry `of`, divided by that of `against`; `higher` says which way is better. */
export const ROWS = [
  throughput('tasks per second, events off, of the raw loop', 'quillwork/sustained', RAW.sustained, 0.8, 1),
  throughput(
    'tasks per second, events on, of the raw loop',
    'quillwork/sustained-events',
    RAW.sustained,
    0.8,
    1,
  ),
  throughput(
    'tasks per second that wait 100 ms, two worker processes, of one',
    'quillwork/two-waiting-workers',
    'quillwork/one-waiting-worker',
    1,
    1.3,
  ),
  throughput(
    'tasks per second that do nothing, two worker processes, of one',
    'quillwork/two-workers',
    'quillwork/one-worker',
    1,
    1.3,
  ),
  commands('commands to MongoDB per task, of the raw loop', 'quillwork/sustained', 'mongoCommands', 1, 0.5),
  commands(
    'messages published and acknowledged per task, of the raw loop',
    'quillwork/sustained',
    'rabbitMessages',
    1,
    1,
  ),
  growth('commands to MongoDB per task, 4 processes, of 1', 'tasks-over-4', 'tasks-over-1'),
  growth('commands to MongoDB per task, 8 processes, of 1', 'tasks-over-8', 'tasks-over-1'),
  growth('commands to MongoDB per child of one parent, 6 processes, of 1', 'family-over-6', 'family-over-1'),
  {
    what: 'commands to MongoDB per second of a process at rest',
    of: 'quillwork/at-rest',
    figure: 'mongoCommands',
    format: { unit: '/s', digits: 1 },
    higher: false,
    bar: 2,
    aim: 1.5,
  },
  {
    what: 'idle submit to handler start, median, of the raw loop',
    of: 'quillwork/idle',
    against: RAW.idle,
    figure: 'medianMs',
    format: { unit: ' ms', digits: 2 },
    higher: false,
    bar: 1.3,
    aim: 1,
  },
]

function throughput(what, of, against, bar, aim) {
  return {
    what,
    of,
    against,
    figure: 'tasksPerSecond',
    format: { unit: '/s', digits: 0 },
    higher: true,
    bar,
    aim,
  }
}

/** What a task costs by several processes, of what it costs by one. */
function growth(what, of, against) {
  const entries = { of: `quillwork/${of}`, against: `quillwork/${against}` }
  const format = { unit: '', digits: 2 }
  return { what, ...entries, figure: 'mongoCommands', format, higher: false, bar: 1.5, aim: 1 }
}

function commands(what, of, figure, bar, aim) {
  return {
    what,
    of,
    against: RAW.sustained,
    figure,
    format: { unit: '', digits: 2 },
    higher: false,
    bar,
    aim,
  }
}
