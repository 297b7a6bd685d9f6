/** How values that several settings have are read and checked. */
import { z } from 'zod'
import type { Duration } from '../index.ts'
import { durationForms, durationMs } from '../task/duration.ts'

/** A text with something in it. */
export const text = z.string().trim().min(1, 'Give a text.')

/** Milliseconds, or a text with a unit; read as milliseconds. */
export const duration = z.union([z.number(), z.string()]).transform((value, context) => {
  try {
    return durationMs(value as Duration, 'it')
  } catch {
    context.addIssue(`Give ${durationForms}.`)
    return z.NEVER
  }
})

/** A duration that is not nothing. */
export const longer = duration.refine(ms => ms > 0, 'It must be longer than nothing.')

const unitBytes: Record<string, number> = { '': 1, B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }

/** Bytes, or a text with a unit; read as bytes. */
export const size = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?B?)$/i.exec(String(value).trim())
  const bytes = Math.floor(Number(match?.[1]) * (unitBytes[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN))
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes
  context.addIssue("Give bytes, or a text such as '200MB' or '1GB'.")
  return z.NEVER
})

/** A whole number from 1. */
export const atLeastOne = z.int('Give a whole number.').min(1, 'Give at least 1.')

/** A rate limit; absent = not limited. */
export const limit = z.strictObject({
  requestsPerMinute: atLeastOne.exactOptional(),
  tokensPerMinute: atLeastOne.exactOptional(),
  concurrency: atLeastOne.exactOptional(),
})
