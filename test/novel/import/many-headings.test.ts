import { afterEach, describe, expect, it, vi } from 'vitest'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'

const chapters = 4_000
const prose = 'The rain had stopped before the ferry reached the far bank.'
/** Of each kind as many headings, chosen in a way of its own. */
const kinds: Record<string, (index: number) => string> = {
  numbered: index => `第${index + 1}章 风雨\n\n雨停了，渡船靠了岸。`,
  'numbered within volumes': index =>
    `${index % 50 === 0 ? `第${index / 50 + 1}卷 远行\n\n` : ''}第${(index % 50) + 1}章 风雨\n\n雨停了。`,
  marked: index => `## Name ${index + 1}\n\n${prose}`,
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
