/** A model that is asked for JSON, and asked once more with what was wrong where its answer cannot be used. */
import type { UsageNote } from '../library/provenance.ts'
import type { ModelAnswer } from './call-model.ts'
import { addUsage, noUsage } from './expense.ts'

/** What was read from an answer, or why it cannot be used. */
export type Read<T> = { readonly value: T; readonly fault?: undefined } | { readonly fault: string }

/** What two answers at most came to. */
export type AskedTwice<T> = Read<T> & {
  /** Id of the model of the last answer. */
  readonly model: string
  /** Usage of the answers. */
  readonly usage: UsageNote
}

/**
 * Asks, and asks once more with the fault of an answer that cannot be used. `ask` gets a key for its checkpoint: the same for the same unit and time.
 */
export async function askTwice<T>(
  unit: string,
  ask: (key: string, fault: string) => Promise<ModelAnswer>,
  read: (answer: string) => Read<T> | Promise<Read<T>>,
): Promise<AskedTwice<T>> {
  const first = await ask(`${unit} first`, '')
  const found = await read(first.text)
  const { model } = first
  const usage = addUsage(noUsage, first.usage)
  if (found.fault === undefined) return { ...found, model, usage }
  const again = await ask(`${unit} again`, found.fault)
  return { ...(await read(again.text)), model: again.model, usage: addUsage(usage, again.usage) }
}

/** Returns the object in an answer: all of it, or what is left without a fence, talk around it, and commas before an end. Undefined for none. */
export function jsonOf(answer: string): unknown {
  const inside = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)
  for (const text of [answer, inside, inside.replace(/,(?=\s*[}\]])/gu, '')])
    try {
      return JSON.parse(text)
    } catch {
      // The next reading is more lenient.
    }
  return undefined
}

/** Why an answer without an object cannot be used. */
export const noJson = 'The answer is not the JSON that was asked for.'
