import { describe, expect, it } from 'vitest'
import {
  alignChapters,
  type PrintedChapter,
  printOf,
  risingOf,
} from '../../../src/novel/import/align-chapters.ts'
import { runThrough } from '../../../src/runtime/cooperate.ts'
import { cpuSince } from '../../cpu-since.ts'

/** Lines that no other chapter has. */
const lines = (seed: string, count = 20) =>
  Array.from({ length: count }, (_, at) => `The line ${at} of ${seed} is long.`)
const chapter = (title: string, content: readonly string[], volume = ''): PrintedChapter => ({
  ...{ title, volume },
  print: printOf([content.join('\n')]),
})
const numbered = (number: number, seed = `${number}`) => chapter(`Chapter ${number}`, lines(seed))
const align = (file: readonly PrintedChapter[], novel: readonly PrintedChapter[]) =>
  runThrough(alignChapters(file, novel)).map(
    match => match && (match.isMoved ? `moved ${match.at}` : match.at),
  )

describe('the print of a text', () => {
  it('is of its lines: blank lines, indents and where scenes begin do not count', () => {
    const print = printOf(['　　First line.\n\n\nSecond.  ', 'Third.'])
    expect(printOf(['First line.\nSecond.', '\n\n\tThird.\n'])).toEqual(print)
    expect(printOf(['First line.\nSecond. Third.']).digest).not.toBe(print.digest)
    expect(printOf([' \n\n', ''])).toEqual({ digest: '', sketch: [] })
  })
})

describe('chapters of a file and of a novel', () => {
  it('match by their texts in the longest common order; what is elsewhere has moved', () => {
    const novel = [1, 2, 3, 4].map(number => numbered(number))
    const file = [numbered(4), numbered(1), numbered(9), numbered(3)]
    expect(align(file, novel)).toEqual(['moved 3', 0, undefined, 2])
    // The same text twice is matched as often as the novel has it.
    const twice = [numbered(1), numbered(7, '1'), numbered(8, '1')]
    expect(align(twice, [numbered(1), numbered(2, '1')])).toEqual([0, 1, undefined])
  })

  it('match by lines that they share, whatever their titles are, between what is equal', () => {
    const novel = [numbered(1), numbered(2), numbered(3)]
    const retold = [...lines('2').slice(0, 12), ...lines('anew')]
    expect(align([numbered(1), chapter('The Weir', retold), numbered(3)], novel)).toEqual([0, 1, 2])
    // Behind the third chapter it is another one.
    expect(align([numbered(1), numbered(3), chapter('The Weir', retold)], novel)).toEqual([0, 2, undefined])
  })

  it('match by title, and by number where not both have a name', () => {
    const other = lines('another text')
    const novel = [chapter('Chapter 1: Dawn', lines('a')), chapter('Chapter 2: Noon', lines('b'))]
    const first = (title: string) => align([chapter(title, other)], novel)[0]
    expect(first('CHAPTER 1 — Dawn')).toBe(0)
    expect(first('Chapter 2')).toBe(1)
    expect(first('Chapter 2: Dusk')).toBeUndefined()
    expect(align([chapter('第十二章', other)], [chapter('第12章', lines('c'))])).toEqual([0])
  })

  it('match by number within volumes of the same title alone', () => {
    const inVolume = (volume: string, text: string) => chapter('Chapter 1', lines(text), volume)
    const novel = [inVolume('Part One', 'a')]
    expect(align([inVolume('Part One', 'b')], novel)).toEqual([0])
    expect(align([inVolume('Part Two', 'b')], novel)).toEqual([undefined])
    expect(align([inVolume('', 'b')], novel)).toEqual([0])
  })

  it('match empty chapters by their titles', () => {
    const empty = (title: string) => chapter(title, [])
    expect(align([empty('Interlude'), empty('Coda')], [empty('Coda')])).toEqual([undefined, 0])
  })

  it('are many: 5,000 of each side take little of the event loop at a time', () => {
    const count = 5_000
    const novel = Array.from({ length: count }, (_, at) => numbered(at))
    const file = Array.from({ length: count }, (_, at) =>
      at % 10 === 3
        ? chapter(`Chapter ${at}`, [...lines(`${at}`).slice(0, 10), ...lines(`new ${at}`)])
        : numbered(at + 7),
    )
    const steps = alignChapters(file, novel)
    let longest = 0
    for (;;) {
      const spent = cpuSince()
      const step = steps.next()
      longest = Math.max(longest, spent())
      if (step.done === true) {
        expect(step.value.filter(match => match === undefined).length).toBeLessThan(count / 9)
        break
      }
    }
    expect(longest).toBeLessThan(250)
  })
})

describe('the longest rising choice of pairs', () => {
  it.each<[number[], number[]]>([
    [[], []],
    [
      [3, 1, 2, 9, 4],
      [1, 2, 4],
    ],
    [[5, 4, 3], [3]],
    [
      [0, 8, 4, 12, 2, 10, 6, 14],
      [0, 2, 6, 14],
    ],
  ])('of %j is %j', (all, rising) => {
    expect(risingOf(all.map((to, at) => [at, to] as const)).map(([, to]) => to)).toEqual(rising)
  })
})
