/** Schemas of values that several settings have, and suggestions for mistyped names. */
import { z } from 'zod'
import { unsigned } from '../broker/messages.ts'
import type { Duration } from '../index.ts'
import { durationForms, durationMs } from '../task/duration.ts'

/** A text that is not empty. */
export const text = z.string().trim().min(1, 'Give a text.')

/** Milliseconds, or a text with a unit, read as milliseconds. */
export const duration = z.union([z.number(), z.string()]).transform((value, context) => {
  try {
    return durationMs(value as Duration, 'it')
  } catch {
    context.addIssue(`Give ${durationForms}.`)
    return z.NEVER
  }
})

/** A duration above 0. */
export const longer = duration.refine(ms => ms > 0, 'Give a time above 0.')

const unitBytes: Record<string, number> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }

/** Bytes, or a text with a unit, read as bytes. */
export const size = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?B?)$/i.exec(String(value).trim())
  const bytes = Math.floor(Number(match?.[1]) * (unitBytes[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN))
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  context.addIssue("Give bytes, or a text such as '200MB' or '1GB'.")
  return z.NEVER
})

/** A whole number from 1. */
export const atLeastOne = z.int('Give a whole number.').min(1, 'Give at least 1.')

const portText = 'Give a whole number from 0 to 65535.'

/** A TCP port; 0 = any free one. */
export const portNumber = z.int(portText).min(0, portText).max(65_535, portText)

/** The name of a lane. */
export const laneName = z
  .string()
  .regex(/^[a-z0-9_-]{1,60}$/i, "Lane names are 1 to 60 letters, digits, '_' or '-'.")

/** Secrets of the messages of the broker. */
export const brokerSecrets = z
  .array(
    text.refine(each => each === unsigned || each.length >= 32, 'A secret is shorter than 32 characters.'),
  )
  .refine(([first]) => first !== undefined && first !== unsigned, 'Give a secret first.')

/** Worker slots of a lane. */
export const slots = z.int('Give a whole number.').min(0, 'Give at least 0.')

/** A rate limit; absent = not limited. */
export const limit = z.strictObject({
  requestsPerMinute: atLeastOne.exactOptional(),
  tokensPerMinute: atLeastOne.exactOptional(),
  concurrency: atLeastOne.exactOptional(),
})

/** Returns the name of a list that was probably meant, undefined when none is close. */
export function nearestName(given: string, names: Iterable<string>): string | undefined {
  const text = given.toLowerCase()
  let best: { name: string; distance: number } | undefined
  for (const name of names) {
    const distance = editDistance(text, name.toLowerCase())
    if (distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance }
  }
  // With more than a third of the letters wrong, it is another word.
  return best !== undefined && best.distance <= Math.max(1, best.name.length / 3) ? best.name : undefined
}

/** Returns the number of letters to add, drop, change or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      row[j] = Math.min(change, swap, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
