import type { Command } from 'commander'
import type { LaneJson } from '../../http/routes/lanes.ts'
import { usageError } from '../exit-codes.ts'
import { listCommand } from '../list.ts'
import { addGroup, ask, type Register, type Run } from '../run.ts'
import { agoText, numberText } from '../words.ts'

/** Adds `quillwork lanes list|pause|resume|set`. */
export function addLanes(program: Command, register: Register): void {
  const lanes = addGroup(
    program,
    'lanes',
    'List, pause and resume the lanes, which are the work queues, and set their slots',
  )
  lanes.command('list').description('List the lanes').action(register(list))
  const addSwitch = (verb: 'pause' | 'resume', about: string) =>
    lanes
      .command(verb)
      .description(about)
      .argument('<lane>')
      .action(register(run => setPaused(run, verb)))
  addSwitch('pause', 'Start no more tasks of a lane; running ones continue')
  addSwitch('resume', 'Start the tasks of a lane again')
  lanes
    .command('set')
    .description('Set how many tasks of a lane each process runs at once; none that runs is interrupted')
    .argument('<lane>')
    .option('--slots <number>', 'worker slots of each process that works the lane, 1 to 1,000')
    .option('--reset', 'as the setting of each process says')
    .action(register(setSlots))
}

const list = listCommand<LaneJson>({
  path: '/v1/lanes',
  columns: [
    { title: 'LANE', text: ({ lane }) => lane },
    { title: 'STATE', text: ({ paused }) => (paused ? 'paused' : 'open') },
    { title: 'SLOTS', text: ({ allSlots }) => numberText(allSlots), right: true },
    { title: 'RUNNING', text: ({ allRunning }) => numberText(allRunning), right: true },
    { title: 'WAITING', text: ({ waiting }) => numberText(waiting), right: true },
    {
      title: 'OLDEST',
      text: ({ oldestWaitingAt }) => (oldestWaitingAt === undefined ? '' : agoText(oldestWaitingAt)),
    },
    { title: 'WHY', text: ({ waitsFor }) => (waitsFor === undefined ? '' : waitTexts[waitsFor]) },
  ],
})

/** Why tasks of a lane wait, in words. */
const waitTexts: Readonly<Record<NonNullable<LaneJson['waitsFor']>, string>> = {
  paused: 'the lane is paused',
  'no-worker': 'no process runs its tasks',
  broker: 'the broker is unreachable',
  slots: 'all slots are busy',
  limit: 'a limit or budget is used up',
  time: 'their time has not come',
}

interface SlotOptions {
  slots?: string
  reset?: boolean
}

function setSlots(run: Run<SlotOptions>) {
  const [lane = ''] = run.arguments
  const slots = slotsGiven(run.options)
  return ask(
    run,
    client => client.patch<LaneJson>(`/v1/lanes/${encodeURIComponent(lane)}`, { slots }),
    ({ setSlots: now }) => [
      now === undefined
        ? `The lane ${lane} has the slots that each process is configured with.`
        : `The lane ${lane} has ${numberText(now)} slots in each process that works it.`,
    ],
  )
}

/** Throws USAGE_INVALID unless one of them is given. */
function slotsGiven({ slots, reset = false }: SlotOptions): number | null {
  if ((slots !== undefined) === reset) throw usageError('Give --slots with a number, or --reset.')
  if (slots === undefined) return null
  if (/^\d{1,9}$/.test(slots)) return Number(slots)
  throw usageError('--slots is no whole number.')
}

function setPaused(run: Run, verb: 'pause' | 'resume') {
  const [lane = ''] = run.arguments
  return ask(
    run,
    client => client.post<LaneJson>(`/v1/lanes/${encodeURIComponent(lane)}:${verb}`),
    ({ paused }) => [`The lane ${lane} is ${paused ? 'paused' : 'open'}.`],
  )
}
