import type { z } from 'zod'
import type { Steps } from '../runtime/cooperate.ts'

/** Items that are written out at once. */
const perStep = 500

/** Returns a list as JSON. Yields in between, for a book may have many thousand chapters. */
export function* listSteps<Item>(
  schema: z.ZodType<readonly unknown[]>,
  items: readonly Item[],
): Steps<string> {
  const parts: string[] = []
  for (let from = 0; from < items.length; from += perStep) {
    parts.push(JSON.stringify(schema.parse(items.slice(from, from + perStep))).slice(1, -1))
    yield
  }
  return `[${parts.join()}]`
}
