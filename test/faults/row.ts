import { expect, it } from 'vitest'
import { type Chance, chance } from '../process/crash/seed.ts'
import { isFull, isSlow, sizeOf } from '../size.ts'
import { checkInvariants, type Expectations, listed } from './checker.ts'
import { lineOf, type Report, reportOf } from './report.ts'
import type { System } from './system.ts'

/**
 * How much a row does: few tasks in `npm test`, more in `npm run test:slow`, the load of the acceptance matrix in `npm run test:faults`. Rows keep to
 * some 2,000 tasks in one database: at each poll of each process the stand-in for MongoDB reads all records of the collection.
 */
export interface Size {
  readonly full: boolean
  /** Picks by size; `slow` is `small` unless given. */
  of<T>(small: T, full: T, slow?: T): T
}

/** What a row is run with. */
export interface RowRun {
  readonly seed: number
  readonly chance: Chance
  readonly size: Size
  /**
   * Ends the row: waits until nothing is live, checks the invariants, prints the report and answers it. Fails when something is broken,
   * and when no fault was observed, for then nothing was tested.
   */
  finish(system: System, expected?: Expectations & { limit?: number }): Promise<Report>
}

/** Milliseconds that a row may take. */
const timeouts = { small: 180_000, full: 900_000 }

/** Set by `scripts/test.mjs --seed`. */
const givenSeed = process.env['QUILLWORK_SEED']

/** Declares a row of the acceptance matrix, or two that one run shows, as a test. */
export function row(
  numbers: number | readonly number[],
  title: string,
  test: (run: RowRun) => Promise<void>,
): void {
  const name = [numbers]
    .flat()
    .map(number => `row ${number}`)
    .join(', ')
  it(`${name}: ${title}`, { timeout: isFull ? timeouts.full : timeouts.small }, async () => {
    const seed = givenSeed === undefined ? Math.floor(Math.random() * 4_294_967_296) : Number(givenSeed)
    process.stderr.write(`${name}: seed ${seed}\n`)
    await test({
      seed,
      chance: chance(seed),
      size: { full: isFull, of: (small, full, slow = small) => sizeOf(small, slow, full) },
      finish: (system, expected) => finish(name, seed, system, expected),
    })
  })
}

/** The same for a row that is long by nature, or whose promise another row of `npm test` shows: left to `npm run test:slow`. */
export function slowRow(...declared: Parameters<typeof row>): void {
  if (isSlow) row(...declared)
}

async function finish(
  name: string,
  seed: number,
  system: System,
  expected: Expectations & { limit?: number } = {},
): Promise<Report> {
  const idle = await system.untilIdle(expected.limit).catch(String)
  // What stays uncounted is named by the invariants.
  if (idle === undefined) await system.untilCounted().catch(() => undefined)
  const held = await system.held()
  const lines = system.lines()
  const report = reportOf(held, lines)
  process.stderr.write(`${lineOf(name, seed, report)}\n`)
  const broken = listed(checkInvariants(held, lines, expected))
  expect([...(idle === undefined ? [] : [idle]), ...broken, ...(await system.changedEnds())]).toEqual([])
  expect(report.faults, 'faults that were observed').toBeGreaterThan(0)
  return report
}
