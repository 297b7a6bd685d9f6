const RATE = { unit: '/s', digits: 0 }
const SHARE = { unit: '', digits: 2 }

/** `figure` of entry `of`, divided by that of `against` where one is named; `higher` says which way is better. */
export const ROWS = [
  throughput('tasks per second, one user, of the raw loop', 'quillwork/sustained', 'raw/sustained', 0.5, 0.6),
  throughput(
    'tasks per second, 50 users, of the raw loop',
    'quillwork/sustained-50-users',
    'raw/sustained',
    0.4,
    0.5,
  ),
  throughput(
    'tasks per second with two tags, a key and an open list, of the raw loop',
    'quillwork/sustained-written',
    'raw/sustained',
    0.35,
    0.45,
  ),
  throughput('tasks per second, of BullMQ (everysec)', 'quillwork/sustained', 'bullmq/sustained', 3, 4),
  throughput('tasks per second, of plainjob (FULL)', 'quillwork/sustained', 'plainjob/sustained', 8, 14),
  throughput(
    'tasks per second, on Node 24, of those on this Node',
    'node-24/sustained',
    'quillwork/sustained',
    0.9,
    1,
  ),
  {
    what: 'idle submit to handler start, median, of the raw loop',
    of: 'quillwork/idle',
    against: 'raw/idle',
    figure: 'medianMs',
    format: { unit: ' ms', digits: 2 },
    higher: false,
    bar: 1.1,
    aim: 1,
  },
  children('10k', '10,000', 1.1, 1),
  children('100k', '100,000', 1.1, 1.05),
  claims('one user', 'one-user', 0.8, 0.9),
  claims('all users distinct', 'distinct', 0.8, 0.9),
  claims('1,000 users interleaved', 'interleaved', 0.8, 0.9),
  claims('1,000 users in blocks', 'blocks', 0.5, 0.8),
  plain('1,000,000 queued: resident memory, peak', 'backlog/open-1m', 'residentMb', ' MB', 0, 120, 100),
  plain('1,000,000 queued: start to first handler', 'backlog/open-1m', 'firstHandlerMs', ' ms', 0, 500, 100),
  plain(
    'fsync 10 ms slower, 500 tasks/s: event loop late, p99',
    'slow-disk/lateness',
    'p99Ms',
    ' ms',
    1,
    20,
    5,
  ),
  plain(
    'the same, beside checkpoints, 20,000 tasks listed and a book imported: event loop late, p99',
    'slow-disk/beside-work',
    'p99Ms',
    ' ms',
    1,
    5,
    3,
  ),
  plain(
    '10 tasks of 4 s after one kill: until all have ended',
    'recovery/one-kill',
    'seconds',
    ' s',
    2,
    4.8,
    4.2,
  ),
  plain(
    '600 calls of 0.1 s, 2 at once, after a kill: until all have ended',
    'recovery/limit-after-restart',
    'seconds',
    ' s',
    1,
    40,
    33,
  ),
  ...late('100,000 tasks submitted in one turn, after it', 'recovery/loop', 'submitMs', 'submitP99Ms'),
  ...late('100,000 tasks listed by page', 'recovery/loop', 'listMs', 'listP99Ms'),
  ...late('100,000 tasks run, all results awaited', 'recovery/loop', 'runMs', 'runP99Ms'),
  ...late('100,000 results awaited of tasks that wait', 'recovery/results', 'lateMs', 'p99Ms'),
  plain(
    '100,000 results awaited of tasks that wait: share of a core',
    'recovery/results',
    'cpuShare',
    '',
    2,
    0.1,
    0.05,
  ),
  ...late('200 MB of large tasks', 'recovery/checkpoint', 'lateMs', 'p99Ms'),
  ...late('400 checkpoints of 0.5 MB at once', 'recovery/checkpoint', 'stepsMs', 'stepsP99Ms'),
  ...late('1,000,000 calls summed by model', 'recovery/usage-report', 'reportMs', 'reportP99Ms'),
  ...late('100,000 old calls summed by day', 'recovery/usage-report', 'rollUpMs', 'rollUpP99Ms'),
  plain(
    '50,000 tasks while 200 clients watch all events: event loop late, p99',
    'recovery/watchers',
    'p99Ms',
    ' ms',
    0,
    50,
    20,
  ),
  ...late('preview of 50,000 headings', 'recovery/preview', 'lateMs', 'p99Ms'),
  plain('reservation after 10,000 trees, of one at first', 'budgets/reserve', 'ratio', '', 2, 1.5, 1.1),
  plain(
    '1,000 scenes, a model that answers at once: time per call',
    'models/instant',
    'msPerCall',
    ' ms',
    2,
    2,
    1,
  ),
  plain(
    'pages: first load until the list of tasks, gzipped',
    'pages/first-load',
    'gzippedKb',
    ' kB',
    0,
    300,
    250,
  ),
  plain(
    'pages: 1,000,000 tasks in the store, list of tasks seen',
    'pages/million-tasks',
    'interactiveMs',
    ' ms',
    0,
    1_000,
    500,
  ),
  plain('pages: 10,000 sub-tasks, tree seen', 'pages/tree', 'interactiveMs', ' ms', 0, 1_000, 500),
  plain('pages: 10,000 sub-tasks, heap of the page', 'pages/tree', 'heapMb', ' MB', 0, 60, 30),
  plain('novel of 120 chapters imported, summarised, indexed', 'novel/sanguo', 'seconds', ' s', 1, 15, 6),
]

function throughput(what, of, against, bar, aim) {
  return { what, of, against, figure: 'tasksPerSecond', format: RATE, higher: true, bar, aim }
}

function children(size, count, bar, aim) {
  const what = `parent with ${count} children, time of ${count} independent tasks`
  const entries = { of: `children/parent-${size}`, against: `children/independent-${size}` }
  return { what, ...entries, figure: 'ms', format: { unit: ' ms', digits: 0 }, higher: false, bar, aim }
}

function claims(who, shape, bar, aim) {
  const what = `1,000,000 queued, ${who}: claims per second, of those at 10,000`
  const entries = { of: `backlog/${shape}-1m`, against: `backlog/${shape}-10k` }
  return { what, ...entries, figure: 'claimsPerSecond', format: RATE, higher: true, bar, aim }
}

/** How late the event loop is: at most, and in 99 of 100 moments. */
function late(what, of, most, p99) {
  return [
    plain(`${what}: event loop late, at most`, of, most, ' ms', 0, 50, 20),
    plain(`${what}: event loop late, p99`, of, p99, ' ms', 0, 20, 5),
  ]
}

function plain(what, of, figure, unit, digits, bar, aim) {
  return { what, of, figure, format: { unit, digits }, higher: false, bar, aim }
}

/** A row as printed and as kept: `value` is judged; it is the ratio where the row has one, else the figure itself. */
export function evaluate(row, summaries) {
  const own = summaries.get(row.of)?.medians?.[row.figure]
  const other = row.against && summaries.get(row.against)?.medians?.[row.figure]
  const measured = own !== undefined && (!row.against || other !== undefined)
  const value = measured ? own / (row.against ? other : 1) : undefined
  return { what: row.what, own, other, value, bar: row.bar, aim: row.aim, verdict: judge(row, value) }
}

function judge(row, value) {
  if (value === undefined) return 'not measured'
  const meets = limit => (row.higher ? value >= limit : value <= limit)
  if (meets(row.aim)) return 'pass, aim met'
  return meets(row.bar) ? 'pass' : 'FAIL'
}

/** The cells of a row of the table. */
export function cells(row, result) {
  const show = figure =>
    figure === undefined ? '-' : formatNumber(figure, row.format.digits) + row.format.unit
  const limit = number => (row.against ? formatNumber(number, SHARE.digits) : show(number))
  const ratio = row.against && result.value !== undefined ? formatNumber(result.value, SHARE.digits) : '-'
  const against = row.against ? show(result.other) : '-'
  return [row.what, show(result.own), against, ratio, limit(row.bar), limit(row.aim), result.verdict]
}

/** Digits after the point are fixed; thousands are set off. */
export function formatNumber(value, digits) {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
