import { describe, expect, it } from 'vitest'
import { prose, survey } from './reading.ts'

const body = (seed: number) => `${prose(seed, seed + 3)}\n\n${prose(seed + 1, 2)}`
/** A text of chapters, each with its own text unless a seed is given. */
const book = (heads: readonly (string | [head: string, seed: number])[]) =>
  heads
    .map((head, i) =>
      typeof head === 'string' ? `${head}\n\n${body(i + 1)}` : `${head[0]}\n\n${body(head[1])}`,
    )
    .join('\n\n')

async function doubles(text: string, name?: string): Promise<(number | undefined)[]> {
  const { warnings } = await survey(text, name)
  return warnings.flatMap(({ code, chapter }) => (code === 'DUPLICATE_TITLE' ? [chapter] : []))
}

describe('titles that come again are no warning', () => {
  it.each<[string, string[], string]>([
    [
      'days of a diary',
      ['## Monday', '## Tuesday', '## Wednesday', '## Monday', '## Tuesday', '## Monday'],
      'diary.md',
    ],
    [
      'chapters named after who tells them',
      ['Chapter 1: Anna', 'Chapter 2: Ben', 'Chapter 3: Anna'],
      'a.txt',
    ],
    ['the same teller twice in a row', ['Chapter 1: Anna', 'Chapter 2: Anna', 'Chapter 3: Ben'], 'a.txt'],
    ['numbers that begin anew', ['# Part One', '## Chapter 1', '# Part Two', '## Chapter 1'], 'a.md'],
    ['interludes', ['Chapter 1', 'Interlude', 'Chapter 2', 'Interlude', 'Chapter 3'], 'a.txt'],
  ])('%s', async (_, heads, name) => {
    expect(await doubles(book(heads), name)).toEqual([])
  })

  it('scenes of a play', async () => {
    const scenes = (seed: number) =>
      ['I. A mill.', 'II. A weir.'].map((scene, i) => `SCENE ${scene}\n\n${body(seed + i)}`).join('\n\n')
    const acts = ['I', 'II', 'III'].map((number, i) => `ACT ${number}\n\n${scenes(2 * i + 1)}`)
    expect(await doubles(acts.join('\n\n'))).toEqual([])
  })
})

describe('a chapter that may stand twice is a warning', () => {
  it.each<[string, (string | [string, number])[], number[], string]>([
    ['the same title in a row', ['## Monday', '## Monday', '## Tuesday'], [1], 'diary.md'],
    [
      'the same number and name in a row',
      ['Chapter 1: Anna', 'Chapter 2: Ben', 'Chapter 2: Ben'],
      [2],
      'a.txt',
    ],
    [
      'the same text later',
      [['## Monday', 1], '## Tuesday', '## Wednesday', ['## Monday', 1]],
      [3],
      'diary.md',
    ],
    ['the same text with another number', [['第1章 归来', 1], '第2章 远行', ['第3章 归来', 1]], [2], 'a.txt'],
    [
      'three prints',
      [['## Monday', 1], '## Tuesday', ['## Monday', 1], '## Friday', ['## Monday', 1]],
      [2, 4],
      'a.md',
    ],
  ])('%s', async (_, heads, chapters, name) => {
    expect(await doubles(book(heads), name)).toEqual(chapters)
  })
})
