import type { Command } from 'commander'
import type { LaneInfo } from '../../index.ts'
import { exitCodes } from '../exit-codes.ts'
import { print, type Register, type Run, withServer } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText, numberText } from '../words.ts'

type LaneJson = Omit<LaneInfo, 'oldestWaitingAt'> & { oldestWaitingAt?: string }

/** Adds `quillwork lanes list|pause|resume`. */
export function addLanes(program: Command, register: Register): void {
  const lanes = program
    .command('lanes')
    .description('List, pause and resume the lanes, which are the work queues')
    .helpCommand(false)
  lanes.command('list').description('List the lanes').action(register(list))
  lanes
    .command('pause')
    .description('Start no more tasks of a lane; running ones continue')
    .argument('<lane>')
    .action(register(run => setPaused(run, 'pause')))
  lanes
    .command('resume')
    .description('Start the tasks of a lane again')
    .argument('<lane>')
    .action(register(run => setPaused(run, 'resume')))
}

function list(run: Run): Promise<number> {
  return withServer(run, async ({ client }) => {
    const page = await client.get<{ items: LaneJson[] }>('/v1/lanes')
    print(run, page, () => laneTable(page.items))
    return exitCodes.ok
  })
}

function laneTable(lanes: readonly LaneJson[]): string[] {
  return tableLines(lanes, [
    { title: 'LANE', text: ({ lane }) => lane },
    { title: 'STATE', text: ({ paused }) => (paused ? 'paused' : 'open') },
    { title: 'SLOTS', text: ({ slots }) => numberText(slots), right: true },
    { title: 'RUNNING', text: ({ running }) => numberText(running), right: true },
    { title: 'WAITING', text: ({ waiting }) => numberText(waiting), right: true },
    {
      title: 'OLDEST',
      text: ({ oldestWaitingAt }) => (oldestWaitingAt === undefined ? '' : agoText(oldestWaitingAt)),
    },
  ])
}

function setPaused(run: Run, verb: 'pause' | 'resume'): Promise<number> {
  const [lane = ''] = run.arguments
  return withServer(run, async ({ client }) => {
    const answer = await client.post<LaneJson>(`/v1/lanes/${encodeURIComponent(lane)}:${verb}`)
    print(run, answer, () => [`The lane ${lane} is ${answer.paused ? 'paused' : 'open'}.`])
    return exitCodes.ok
  })
}
