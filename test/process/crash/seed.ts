/** Numbers that a seed decides, so that a failed run can be made again. */
export interface Chance {
  readonly seed: number
  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number
}

/** The generator mulberry32: 32 bits of state, good enough to spread the times of kills. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return { seed, between: (least, most) => least + Math.floor(next() * (most - least + 1)) }
}

/** A seed from chance, printed, so that a failed run can be made again. */
export function printedChance(test: string): Chance {
  const seed = Math.floor(Math.random() * 4_294_967_296)
  process.stderr.write(`${test}: seed ${seed}\n`)
  return chance(seed)
}
