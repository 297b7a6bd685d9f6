import type { Writing } from '../../ai/text/language.ts'
import { letterRuns } from '../../ai/text/terms.ts'

/**
 * The units of a text in which repetition is measured: words in lower case, and each character of a writing without spaces. Punctuation does
 * not count.
 */
export interface Units {
  /** One number for each unit: equal units have equal numbers. */
  readonly codes: readonly number[]
  /** Where each unit begins, in code units. */
  readonly starts: readonly number[]
}

/** How much of a stretch is repeated, and where the stretch is. */
export interface Share {
  /** 0 to 1. */
  readonly share: number
  /** Runs of the stretch that are repeated. */
  readonly runs: number
  /** The stretch, in code units of the text. */
  readonly from: number
  readonly to: number
}

/** Units of a stretch that is compared with another text; the limits are calibrated on stretches of 150 to 3,000. */
export const longStretch = 3_000
/** Units of a stretch in which repetition is measured: a loop at the end of a long text is a small part of the whole. */
const shortStretch = 600

/** Returns the units of a text. */
export function unitsOf(text: string): Units {
  const codes: number[] = []
  const starts: number[] = []
  for (const { kind, start, end } of letterRuns(text)) {
    if (kind === 'word') {
      codes.push(hashOf(text.slice(start, end).toLowerCase()))
      starts.push(start)
      continue
    }
    for (let at = start; at < end; ) {
      const code = text.codePointAt(at) ?? 0
      codes.push(code)
      starts.push(at)
      at += code > 0xffff ? 2 : 1
    }
  }
  return { codes, starts }
}

/** FNV-1a, 32 bits. */
const seed = 0x811c9dc5
const prime = 0x01000193

function hashOf(word: string): number {
  let hash = seed
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), prime)
  return hash
}

/** Returns a number for the `n` units from a place. Two different runs of some thousands have the same one too rarely to matter. */
function runAt(codes: readonly number[], at: number, n: number): number {
  let hash = seed
  for (let place = at; place < at + n; place++) {
    const code = codes[place] ?? 0
    hash = Math.imul(hash ^ (code & 0xffff), prime)
    hash = Math.imul(hash ^ (code >>> 16), prime)
  }
  return hash
}

/** Length of the runs that are counted as repetitions within a text. */
const repeatedRun: Record<Writing, number> = { spaced: 4, cjk: 8 }
/** Length of the runs that are counted as shared with another text. */
const sharedRun: Record<Writing, number> = { spaced: 8, cjk: 12 }

/**
 * Returns the stretch in which runs repeat most: rep-n, 1 - distinct runs / all runs, with n = 4 words or 8 characters. Stretches have 600
 * units and overlap by half; a shorter text is one.
 */
export function mostRepeated(units: Units, writing: Writing): Share {
  const n = repeatedRun[writing]
  return greatest(units, { size: shortStretch, n }, (from, to) => {
    const distinct = new Set<number>()
    for (let at = from; at < to; at++) distinct.add(runAt(units.codes, at, n))
    return to - from - distinct.size
  })
}

/** Returns the stretch of 3,000 units that has the greatest share of runs of 8 words or 12 characters that another text has too. */
export function mostShared(units: Units, other: Units, writing: Writing): Share {
  const n = sharedRun[writing]
  const known = runsOf(other, n)
  return greatest(units, { size: longStretch, n }, (from, to) => {
    let shared = 0
    for (let at = from; at < to; at++) if (known.has(runAt(units.codes, at, n))) shared += 1
    return shared
  })
}

/** Returns where a text has a run of 8 words or 12 characters of another one; undefined where it has none. */
export function firstShared(units: Units, other: Units, writing: Writing): number | undefined {
  const n = sharedRun[writing]
  const known = runsOf(other, n)
  for (let at = 0; at + n <= units.codes.length; at++)
    if (known.has(runAt(units.codes, at, n))) return units.starts[at]
  return undefined
}

function runsOf({ codes }: Units, n: number): ReadonlySet<number> {
  const runs = new Set<number>()
  for (let at = 0; at + n <= codes.length; at++) runs.add(runAt(codes, at, n))
  return runs
}

/** `count` returns how many of the runs that begin from one place up to another count. */
function greatest(
  { codes, starts }: Units,
  { size, n }: { size: number; n: number },
  count: (from: number, to: number) => number,
): Share {
  let most: Share = { share: 0, runs: 0, from: 0, to: 0 }
  for (let from = 0; ; from += size / 2) {
    const to = Math.min(codes.length, from + size)
    const all = to - from - n + 1
    const runs = all > 0 ? count(from, to - n + 1) : 0
    if (runs > 0 && runs / all > most.share)
      most = { share: runs / all, runs, from: starts[from] ?? 0, to: starts[to - 1] ?? 0 }
    if (to === codes.length) return most
  }
}
