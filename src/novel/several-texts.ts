/** The output of a task that writes several texts, one after the other: each goes on behind those before it, in every attempt. */
import type { TaskContext } from '../index.ts'
import type { WriteContext } from './models/write-scene.ts'
import type { NovelServices } from './services.ts'

/** What stands between two texts. */
const between = '\n\n* * *\n\n'

/** The output of the texts of one attempt. */
export interface TextsOutput {
  /** What a text is written with: its output begins behind the texts before it. */
  readonly context: WriteContext
  /** A text ended; one that an earlier attempt wrote is put into the output by `text`. Undefined: it broke off. */
  next(text: string | undefined, writtenBy: 'this attempt' | 'an earlier one'): void
  /** Puts into the output what is not in it yet. */
  end(): void
}

/** Returns the output of the texts of an attempt. */
export function textsOutput(ctx: TaskContext & { readonly services: NovelServices }): TextsOutput {
  /** All texts so far. */
  let before = ''
  /** What of them is to be written in front of the next one. */
  let owed = ''
  let isBegun = false
  return {
    context: {
      attempt: ctx.attempt,
      userId: ctx.userId,
      services: ctx.services,
      signal: ctx.signal,
      addUsage: usage => ctx.addUsage(usage),
      call: (expected, make) => ctx.call(expected, make),
      checkpoint: (key, step, options) => ctx.checkpoint(key, step, options),
      isParked: limit => ctx.isParked(limit),
      logInfo: (message, fields) => ctx.logInfo(message, fields),
      async earlierOutput() {
        const earlier = await ctx.earlierOutput()
        if (earlier === undefined || !earlier.text.startsWith(before)) return undefined
        return { ...earlier, text: earlier.text.slice(before.length) }
      },
      write(text) {
        if (text === '') return
        ctx.write(owed + text)
        owed = ''
        isBegun = true
      },
    },
    next(text, writtenBy) {
      if (text !== undefined) before += text + between
      if (writtenBy === 'an earlier one') owed += text
      if (text !== undefined || isBegun) owed += between
      isBegun = false
    },
    end() {
      ctx.write(owed.slice(0, -between.length))
    },
  }
}
