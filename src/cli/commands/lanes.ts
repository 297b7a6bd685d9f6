import type { Command } from 'commander'
import type { LaneInfo } from '../../index.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson, type Register, type Run, withServer } from '../run.ts'
import { tableLines } from '../text.ts'
import { agoText, numberText } from '../words.ts'

type LaneJson = Omit<LaneInfo, 'oldestWaitingAt'> & { oldestWaitingAt?: string }

/** `quillwork lanes list|pause|resume`. */
export function addLanes(program: Command, register: Register): void {
  const lanes = program
    .command('lanes')
    .description('See, pause and resume the work queues')
    .helpCommand(false)
  lanes.command('list').description('List the lanes').action(register(list))
  lanes
    .command('pause')
    .description('Start nothing more of a lane; what runs goes on')
    .argument('<lane>')
    .action(register(run => turn(run, 'pause')))
  lanes
    .command('resume')
    .description('Let the tasks of a lane run again')
    .argument('<lane>')
    .action(register(run => turn(run, 'resume')))
}

function list(run: Run): Promise<number> {
  return withServer(run, 'quillwork lanes list', async ({ client }) => {
    const page = await client.get<{ items: LaneJson[] }>('/v1/lanes')
    if (run.json) printJson(run, page)
    else for (const line of laneTable(page.items)) run.terminal.out(line)
    return exitCodes.ok
  })
}

function laneTable(lanes: readonly LaneJson[]): string[] {
  return tableLines(
    lanes,
    [
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
    undefined,
  )
}

function turn(run: Run, verb: 'pause' | 'resume'): Promise<number> {
  const [lane = ''] = run.arguments
  return withServer(run, `quillwork lanes ${verb}`, async ({ client }) => {
    const answer = await client.post<LaneJson>(`/v1/lanes/${encodeURIComponent(lane)}:${verb}`)
    if (run.json) printJson(run, answer)
    else run.terminal.out(`The lane ${lane} is ${answer.paused ? 'paused' : 'open'}.`)
    return exitCodes.ok
  })
}
