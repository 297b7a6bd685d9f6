/** The output of a task that writes several texts, one after the other: each goes on behind those before it, in every attempt. */
import type { TaskContext } from '../index.ts'
import { storedStep } from './models/calls.ts'
import type { WriteContext } from './models/write-scene.ts'
import type { NovelServices } from './services.ts'

/** What stands between two texts. */
const between = '\n\n* * *\n\n'

/** The output of the texts of one attempt. */
export interface TextsOutput {
  /** What the texts are written with. What an earlier attempt wrote is that of the text that has begun. */
  readonly writeContext: WriteContext
  /** The text of a number begins. */
  begin(number: number): Promise<void>
  /** A text ended; one that an earlier attempt wrote is put into the output by `text`. Undefined: it broke off. */
  next(text: string | undefined, writtenBy: 'this attempt' | 'an earlier one'): void
  /** Puts into the output what is not in it yet. */
  end(): void
}

/** Returns the output of the texts of an attempt. */
export function textsOutput(ctx: TaskContext & { readonly services: NovelServices }): TextsOutput {
  /** Code units in the output. */
  let length = 0
  /** What is to be written in front of the next text. */
  let owed = ''
  let isBegun = false
  /** The text that has begun. */
  let current = 1
  const write = (text: string) => {
    ctx.write(text)
    length += text.length
  }
  /**
   * Where a text begins in the output of an attempt. What is kept of the texts before it does not say so: their ends were cut, or they were refused.
   * Nothing is before the first one.
   */
  const startKey = (number: number, attempt: number) => `text ${number} in the output of attempt ${attempt}`
  return {
    writeContext: {
      attempt: ctx.attempt,
      userId: ctx.userId,
      services: ctx.services,
      signal: ctx.signal,
      addUsage: usage => ctx.addUsage(usage),
      call: (expected, make) => ctx.call(expected, make),
      checkpoint: (key, step, options) => ctx.checkpoint(key, step, options),
      checkpointKey: key => ctx.checkpointKey(key),
      isParked: limit => ctx.isParked(limit),
      logInfo: (message, fields) => ctx.logInfo(message, fields),
      async earlierOutput() {
        const earlier = await ctx.earlierOutput()
        if (earlier === undefined || current === 1) return earlier
        const start = await storedStep<number>(ctx, startKey(current, earlier.attempt), mark)
        return start === undefined ? undefined : { ...earlier, text: earlier.text.slice(start) }
      },
      write(text) {
        if (text === '') return
        write(owed + text)
        owed = ''
        isBegun = true
      },
    },
    async begin(number) {
      current = number
      const start = length + owed.length
      if (number > 1) await ctx.checkpoint(startKey(number, ctx.attempt), () => start, mark)
    },
    next(text, writtenBy) {
      if (writtenBy === 'an earlier one') owed += text ?? ''
      if (text !== undefined || isBegun) owed += between
      isBegun = false
    },
    end() {
      write(owed.slice(0, -between.length))
    },
  }
}

/** That a text begins is no progress. */
const mark = { isProgress: false } as const
