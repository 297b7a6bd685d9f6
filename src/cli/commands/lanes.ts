import type { Command } from 'commander'
import type { LaneInfo } from '../../index.ts'
import { listCommand } from '../list.ts'
import { addGroup, ask, type Register, type Run } from '../run.ts'
import { agoText, numberText } from '../words.ts'

type LaneJson = Omit<LaneInfo, 'oldestWaitingAt'> & { oldestWaitingAt?: string }

/** Adds `quillwork lanes list|pause|resume`. */
export function addLanes(program: Command, register: Register): void {
  const lanes = addGroup(program, 'lanes', 'List, pause and resume the lanes, which are the work queues')
  lanes.command('list').description('List the lanes').action(register(list))
  const addSwitch = (verb: 'pause' | 'resume', about: string) =>
    lanes
      .command(verb)
      .description(about)
      .argument('<lane>')
      .action(register(run => setPaused(run, verb)))
  addSwitch('pause', 'Start no more tasks of a lane; running ones continue')
  addSwitch('resume', 'Start the tasks of a lane again')
}

const list = listCommand<LaneJson>({
  path: '/v1/lanes',
  columns: [
    { title: 'LANE', text: ({ lane }) => lane },
    { title: 'STATE', text: ({ paused }) => (paused ? 'paused' : 'open') },
    { title: 'SLOTS', text: ({ slots }) => numberText(slots), right: true },
    { title: 'RUNNING', text: ({ running }) => numberText(running), right: true },
    { title: 'WAITING', text: ({ waiting }) => numberText(waiting), right: true },
    {
      title: 'OLDEST',
      text: ({ oldestWaitingAt }) => (oldestWaitingAt === undefined ? '' : agoText(oldestWaitingAt)),
    },
  ],
})

function setPaused(run: Run, verb: 'pause' | 'resume') {
  const [lane = ''] = run.arguments
  return ask(
    run,
    client => client.post<LaneJson>(`/v1/lanes/${encodeURIComponent(lane)}:${verb}`),
    ({ paused }) => [`The lane ${lane} is ${paused ? 'paused' : 'open'}.`],
  )
}
