import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitParagraphs } from '../../src/ai/text/paragraphs.ts'
import { splitSentences } from '../../src/ai/text/sentences.ts'
import { hardText } from './arbitraries.ts'

const sentencesOf = (text: string) =>
  [...splitSentences(text)].map(({ start, end }) => text.slice(start, end).trim())

describe('sentences of a text', () => {
  test.each<[string, string, string[]]>([
    ['Chinese stops', '天下大势。分久必合！合久必分？', ['天下大势。', '分久必合！', '合久必分？']],
    [
      'a speech of several sentences stays whole',
      '玄德曰：“不然。汝休去！”众皆大笑。',
      ['玄德曰：“不然。汝休去！”', '众皆大笑。'],
    ],
    ['corner brackets', '他說：「走吧。快！」門關了。', ['他說：「走吧。快！」', '門關了。']],
    [
      'nested marks',
      '他说：“她说‘不。不要。’然后走了。”完。',
      ['他说：“她说‘不。不要。’然后走了。”', '完。'],
    ],
    [
      'a mark that is never closed joins nothing',
      '“走吧。快走。\n天黑了。门开了。',
      ['“走吧。', '快走。', '天黑了。', '门开了。'],
    ],
    ['a stray closing mark', '走吧。”快走。', ['走吧。”', '快走。']],
    [
      'abbreviations',
      'Mr. Bennet met Mrs. Long at St. James. Dr. Jones, J. R. Smith, e.g. Jim, left.',
      ['Mr. Bennet met Mrs. Long at St. James.', 'Dr. Jones, J. R. Smith, e.g. Jim, left.'],
    ],
    ['the pronoun is no initial', 'It was I. She knew.', ['It was I.', 'She knew.']],
    [
      'what goes on in lower case',
      "“What?” she said. `Oh dear!' said Alice. She left.",
      ['“What?” she said.', "`Oh dear!' said Alice.", 'She left.'],
    ],
    [
      'a speech in English',
      '"Stop. Wait for me," he said. "No." They ran.',
      ['"Stop. Wait for me," he said.', '"No."', 'They ran.'],
    ],
    [
      'apostrophes close nothing',
      "`I'm late. It's the Duchess' day!' He ran. It wasn't far.",
      ["`I'm late. It's the Duchess' day!'", 'He ran.', "It wasn't far."],
    ],
  ])('%s', (_, text, expected) => {
    expect(sentencesOf(text)).toEqual(expected)
  })

  test('a text wrapped at a fixed width is read across its lines', () => {
    const text = [
      'CHAPTER I',
      '',
      '  Alice was beginning to get very tired of sitting by her sister',
      'on the bank, and of having nothing to do: once or twice she had',
      'peeped into the book her sister was reading, but it had no',
      'pictures in it. So she was considering in her own mind whether',
      'the pleasure would be worth the trouble.',
      '  There was nothing so very remarkable in that.',
    ].join('\r\n')
    expect(sentencesOf(text).map(sentence => sentence.replace(/\s+/g, ' '))).toEqual([
      'CHAPTER I',
      'Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice she had peeped into the book her sister was reading, but it had no pictures in it.',
      'So she was considering in her own mind whether the pleasure would be worth the trouble.',
      'There was nothing so very remarkable in that.',
    ])
  })

  test('a text with a paragraph per line is not read across its lines', () => {
    const lines = [
      '第一章　风起',
      '他推开门走了进去，屋里没有人。',
      '“有人吗？”',
      '没有人回答他的话，只有风声。',
      '他坐下了。',
    ]
    expect([...splitParagraphs(lines.join('\n'))]).toHaveLength(lines.length)
  })

  test('a sentence longer than the window of the segmenter stays whole where it can', () => {
    const long = `${'他走了又走，'.repeat(300)}到了。`
    expect(sentencesOf(`天亮了。${long}天黑了。`)).toEqual(['天亮了。', long, '天黑了。'])
  })

  test('a sentence is whole wherever the windows of the segmenter begin', () => {
    const sentences = Array.from({ length: 400 }, (_, i) => `他在第${i}天走了又来。`)
    expect(sentencesOf(sentences.join(''))).toEqual(sentences)
  })

  test('a long run without an end is cut between characters', () => {
    const pieces = sentencesOf(`话${'𠀀'.repeat(5_000)}`)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.filter(piece => /\p{Surrogate}/u.test(piece))).toEqual([])
  })

  test('a mark that is not closed for 2,000 characters joins nothing', () => {
    const text = `“${'他走了又来。'.repeat(500)}”`
    expect(Math.max(...sentencesOf(text).map(sentence => sentence.length))).toBeLessThan(10)
    expect(sentencesOf(`“${'他走了又来。'.repeat(100)}”`)).toHaveLength(1)
  })

  test('an indented line begins a paragraph, in a text of lines of one width', () => {
    const line = 'words that go on and on until the very edge of this page'
    const text = [line, line, line, line, `  ${line}`, line].join('\n')
    expect([...splitParagraphs(text)].map(({ start }) => start)).toEqual([0, 4 * (line.length + 1)])
  })

  test('two full lines do not make a text of lines of one width', () => {
    expect(sentencesOf('没有标点的第一行字\n没有标点的第二行字\n没有标点的第三行字')).toHaveLength(3)
  })

  test('sentences tile every text', () => {
    fc.assert(
      fc.property(hardText, text => {
        let at = 0
        for (const { start, end } of splitSentences(text)) {
          expect(start).toBe(at)
          expect(end).toBeGreaterThan(start)
          at = end
        }
        expect(at).toBe(text.length)
      }),
      { numRuns: 500 },
    )
  })

  test('sentences tile a text of one line that is longer than many windows', () => {
    fc.assert(
      fc.property(fc.array(hardText, { minLength: 1 }), parts => {
        const text = parts
          .join('')
          .replace(/[\r\n\u2028]/g, '')
          .repeat(40)
        expect([...splitSentences(text)].map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
      }),
      { numRuns: 30 },
    )
  })

  test('paragraphs tile every text, and only the first may be blank', () => {
    fc.assert(
      fc.property(hardText, text => {
        const parts = [...splitParagraphs(text)].map(({ start, end }) => text.slice(start, end))
        expect(parts.join('')).toBe(text)
        expect(parts.slice(1).filter(part => part.trim() === '')).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
