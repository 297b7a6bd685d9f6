/** The end of a process at a named point of a task, for an engine within this process. */
import { createGate, type Gate } from 'quillwork/testing'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'

/** The writes of an import and of summaries, in whose midst a process may end. */
export const points = [
  'create',
  'write',
  'publish',
  'summarise',
  'writeSummary',
  'begin',
  'put',
  'finish',
  'writeLevel',
] as const

/** Where a process may end. */
export type Point = (typeof points)[number]

/** Where a process ends: at the n-th passing of a point, before the write or after it. */
export interface End {
  point: Point
  nth: number
  before: boolean
  /** Default: as a kill does. */
  how?: 'crash' | 'restart'
}

/** Holds whoever passes a point for the n-th time, for good, as the end of a process does. */
export class Stops {
  #end: End | undefined
  #left = 0
  #gate: Gate<never> = createGate<never>()

  next(end: End | undefined): void {
    this.#end = end
    this.#left = end?.nth ?? 0
    this.#gate = createGate<never>()
  }

  /** Whether somebody is held there. */
  get isMet(): boolean {
    return this.#end !== undefined && this.#left <= 0
  }

  async pass(point: Point, before: boolean): Promise<void> {
    if (this.#end?.point !== point || this.#end.before !== before) return
    if (--this.#left <= 0) await this.#gate.opened
  }

  watch({ drafts, scenes, index, levels }: NovelLibrary): Partial<NovelLibrary> {
    const watched =
      <A extends unknown[], R>(point: Point, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await this.pass(point, true)
        const answer = await call(...args)
        await this.pass(point, false)
        return answer
      }
    return {
      drafts: {
        ...drafts,
        create: watched('create', drafts.create),
        write: watched('write', drafts.write),
        publish: watched('publish', drafts.publish),
      },
      scenes: { ...scenes, writeSummary: watched('writeSummary', scenes.writeSummary) },
      levels: { ...levels, write: watched('writeLevel', levels.write) },
      index: {
        ...index,
        begin: watched('begin', index.begin),
        put: watched('put', index.put),
        finish: watched('finish', index.finish),
      },
    }
  }
}
