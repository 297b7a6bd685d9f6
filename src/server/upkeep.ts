import { type Engine, systemClock } from '../index.ts'
import { type NovelServices, sweepDrafts, sweepUploads } from '../novel/index.ts'
import type { Logger } from '../runtime/log.ts'
import { type Loop, startLoop } from '../runtime/loop.ts'

/** Deletes now and then what nobody needs any more: uploads that expired, drafts of imports that ended. The first time at once. */
export function startUpkeep(parts: {
  engine: Pick<Engine, 'tasks'>
  services: NovelServices
  everyMs: number
  log: Logger
}): Loop {
  const { engine, services, everyMs, log } = parts
  async function step(): Promise<undefined> {
    try {
      const [drafts, uploads] = [await sweepDrafts(services, engine), await sweepUploads(services)]
      if (drafts + uploads > 0) log.info({ drafts, uploads }, 'cleaned up')
    } catch (error) {
      log.warn({ err: error }, 'the clean-up could not finish; it will be tried again')
    }
  }
  const loop = startLoop({ clock: systemClock, everyMs, step })
  loop.wake()
  return loop
}
