import { afterEach, describe, expect, it, vi } from 'vitest'
import { countedBy, filtered } from '../../../src/novel/import/heading-candidate.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { mapped } from '../../../src/runtime/cooperate.ts'

const chapters = 4_000
const prose = 'The rain had stopped before the ferry reached the far bank.'
/** A word that no other chapter has: lines that are repeated are read once more. */
const own = (index: number) => String.fromCodePoint(0x4e00 + index)
/** Of each kind as many headings, chosen in a way of its own. */
const kinds: Record<string, (index: number) => string> = {
  numbered: index => `第${index + 1}章 风雨\n\n雨停了，渡船靠了岸${own(index)}。`,
  'numbered within volumes': index =>
    `${index % 50 === 0 ? `第${index / 50 + 1}卷 远行\n\n` : ''}第${(index % 50) + 1}章 风雨\n\n雨停了${own(index)}。`,
  marked: index => `## Name ${index + 1}\n\n${prose} ${own(index)}`,
  'in a table of contents': index => `第${index + 1}章 风雨${index}`,
}

/** A time that flies: each stretch of a computation is over as soon as it asks. */
let now = 0

afterEach(() => vi.restoreAllMocks())

describe('a text of many headings', () => {
  it.each(Object.entries(kinds))('(%s) is surveyed while others get their turns', async (_, headingOf) => {
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 1_000
      return now
    })
    const text = Array.from({ length: chapters }, (_, index) => headingOf(index)).join('\n\n')
    let turns = 0
    let isOver = false
    const turn = () => {
      turns += 1
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    let reading = 0
    const source = bytesSource(Buffer.from(text))
    const read = async function* () {
      yield* source.read()
      reading = turns
    }
    const surveyed = await surveyText({ ...source, read })
    isOver = true
    expect(surveyed.volumes.flatMap(volume => volume.chapters).length).toBeGreaterThan(0)
    const linesPerTurn = text.split('\n').length / reading
    expect(linesPerTurn).toBeLessThan(100)
    // Then the headings are chosen, the book is divided and checked.
    expect(chapters / (turns - reading)).toBeLessThan(150)
  })
})

describe('a pass over many headings', () => {
  const numbers = Array.from({ length: 600 }, (_, index) => index)
  let passed = 0
  const pass = <T>(made: T): T => {
    passed += 1
    return made
  }

  it.each([
    ['filtered', () => filtered(numbers, number => pass(number % 2 === 0)), numbers.filter(n => n % 2 === 0)],
    ['mapped', () => mapped(numbers, number => pass(-number)), numbers.map(n => -n)],
    ['counted', () => countedBy(numbers, number => pass(number % 2)), new Map([0, 1].map(n => [n, 300]))],
  ])('is made of at most 256 at a time where they are %s', (_, begin, expected) => {
    passed = 0
    const seen: number[] = []
    const steps = begin()
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) seen.push(passed)
    expect(step.value).toEqual(expected)
    expect([...seen, passed]).toEqual([0, 256, 512, 600])
  })
})
