import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type BookStyle, createStyleBook } from '../../../src/novel/checks/style.ts'
import { createTally } from '../../../src/novel/checks/tally.ts'
import { runThrough } from '../../../src/runtime/cooperate.ts'

/** Returns the style of a book, each text of which is a chapter of one scene. */
function styleOf(...chapters: string[]): BookStyle {
  const book = createStyleBook()
  for (const [at, content] of chapters.entries())
    runThrough(book.add({ chapterId: `c${at}`, sceneId: `s${at}`, content }))
  return runThrough(book.finish())
}

const textsOf = (terms: readonly { text: string; count: number }[]) =>
  terms.map(({ text, count }) => `${text} ${count}`)

const none = {
  words: 0,
  characters: 0,
  sentences: 0,
  paragraphs: 0,
  units: 0,
  quoted: 0,
  repeatedOpenings: 0,
}

test.each<[string, string, object]>([
  ['nothing', ' \n\n', none],
  ['a rule', '* * *', { ...none, characters: 3 }],
  [
    'English with dialogue',
    'He was late. He was cold.\n\n“Go,” she said. “Now.”\n',
    // `Go,` and `Now.`, of 25 and 22 code units.
    { words: 10, sentences: 4, paragraphs: 2, quoted: 7, units: 47, repeatedOpenings: 1 },
  ],
  [
    'Chinese with dialogue',
    '他来了。他来得晚。\n“走吧。”她说。\n',
    { words: 11, sentences: 4, paragraphs: 2, quoted: 3, repeatedOpenings: 1 },
  ],
  ['Polish', 'Był sobie król. Był sobie las.', { words: 6, sentences: 2, repeatedOpenings: 1 }],
])('the figures of %s', (_, text, figures) => {
  expect(styleOf(text).whole).toMatchObject(figures)
})

const bell = 'Far below them the bell rang. '

test('the most used words, phrases and openings are counted with their chapters and first places', () => {
  const { words, phrases, sentenceOpenings, paragraphOpenings, approximate } = styleOf(
    'Once it was quiet.',
    bell.repeat(3),
    `${bell}\n\nFar below stood nobody.`,
  )
  expect(textsOf(words)).toEqual(['far 5', 'below 5', 'bell 4', 'rang 4'])
  // The three runs of the six words are one phrase.
  expect(phrases).toEqual([
    { text: 'far below them the', count: 4, chapters: 2, first: { sceneId: 's1', start: 0, end: 18 } },
  ])
  expect(textsOf(sentenceOpenings)).toEqual(['far below 5'])
  expect(textsOf(paragraphOpenings)).toEqual(['far below 3'])
  expect(approximate).toBe(false)
})

test('Chinese words and phrases need no spaces', () => {
  const { words, phrases, sentenceOpenings } = styleOf(
    '孔明深吸一口气。孔明深吸一口气，笑了。孔明深吸一口气。',
  )
  expect(textsOf(words)).toContain('孔明 3')
  expect(phrases).toEqual([expect.objectContaining({ text: '孔明深吸一', count: 3 })])
  expect(textsOf(sentenceOpenings)).toEqual(['孔明 3'])
})

test('a chapter has the words that it has more often than the others', () => {
  const plain = 'The ferry crossed the river and the ferry came back again at noon. '
  const { chapters } = styleOf(plain.repeat(20), `${plain.repeat(10)}${'A lantern shone. '.repeat(8)}`, '')
  expect(chapters.get('c1')?.distinctWords).toEqual([
    { text: 'lantern', count: 8, elsewhere: 0, first: { sceneId: 's1', start: 672, end: 679 } },
    { text: 'shone', count: 8, elsewhere: 0, first: { sceneId: 's1', start: 680, end: 685 } },
  ])
  expect(chapters.get('c0')?.distinctWords.map(({ text }) => text)).not.toContain('lantern')
  expect(chapters.get('c2')).toMatchObject({ ...none, distinctWords: [], distinctPhrases: [] })
})

test('a tally keeps frequent terms in a memory of its own, and says where it dropped rare ones', () => {
  const tally = createTally(100)
  const place = { sceneId: 's', start: 0, end: 1 }
  for (let at = 0; at < 10_000; at++) {
    tally.add(`rare ${at}`, place)
    if (at % 10 === 0) tally.add('often', place)
    runThrough(tally.makeRoom())
  }
  expect(tally.isApproximate()).toBe(true)
  expect(runThrough(tally.most(5))).toEqual([{ text: 'often', count: 1_000, chapters: 1, first: place }])
  expect(runThrough(tally.endChapter())).toEqual([expect.objectContaining({ here: 1_000 })])
})

test('the work grows with the text, not faster', () => {
  const sample = readFileSync('samples/the-salt-ledger.txt', 'utf8')
  const stepsOf = (times: number) => {
    const book = createStyleBook()
    const steps = book.add({ chapterId: 'c', sceneId: 's', content: `${sample}\n\n`.repeat(times) })
    let count = 0
    while (steps.next().done !== true) count += 1
    return count
  }
  const [few, many] = [stepsOf(4), stepsOf(40)]
  expect(many / few).toBeGreaterThan(8)
  expect(many / few).toBeLessThan(11)
})
