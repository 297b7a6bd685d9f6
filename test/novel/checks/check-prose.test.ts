import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkProse, type Expected, textAround } from '../../../src/novel/checks/check-prose.ts'
import { unitsOf } from '../../../src/novel/checks/repetition.ts'
import { loadPrompts } from '../../../src/novel/prompts/prompts.ts'
import { measure } from '../../../src/novel/words.ts'
import { cpuSince } from '../../cpu-since.ts'
import { textFor } from '../../models/texts.ts'
import { sizeOf } from '../../size.ts'

const book = (name: string) => readFileSync(new URL(`../../../samples/${name}.txt`, import.meta.url), 'utf8')
const english = book('the-salt-ledger').slice(65)
const chinese = book('the-ferry-clock')
const before = english.slice(0, 3_000)
const scene = english.slice(3_000, 6_000)

const codes = (text: string, expected: Expected = {}) => {
  const { faults, marks } = checkProse(text, expected)
  return { faults: faults.map(({ code }) => code), marks: marks.map(({ code }) => code) }
}
const clean = { faults: [], marks: [] }

describe('human prose', () => {
  it.each([
    ['English', english, 'en'],
    ['Chinese', chinese, 'zh'],
  ])('%s has no fault and no mark, in stretches of 150 to 3,000', (_, text, language) => {
    const { starts } = unitsOf(text)
    for (const size of [150, 300, 600, 1_200, 3_000]) {
      let textBefore = ''
      for (let from = 0; from + size / 2 < starts.length; from += size / 2) {
        const window = text.slice(starts[from], starts[from + size] ?? text.length)
        const { words } = measure(window)
        const found = checkProse(window, { language, textBefore, requestedLength: { words } })
        expect(found, `${size} from ${from}`).toEqual(clean)
        textBefore = text.slice(starts[Math.max(0, from - size / 2)], starts[from + size / 2])
      }
    }
  })
})

describe('faults', () => {
  it.each([
    ['nothing', ' \n'],
    ['a heading and a rule', '# The Weighing House\n\n* * *\n'],
    ['a list', '1. Berit finds the sum.\n2. She asks Joss.\n- He leaves.'],
    ['items in Chinese', '一、贝丽特发现账目。\n二、她去问乔斯。'],
  ])('no prose: %s', (_, text) => {
    expect(codes(text, { requestedLength: { words: 800 }, language: 'en' }).faults).toEqual(['NO_PROSE'])
  })

  it.each([
    ['Here is the scene you asked for:\n\n', ''],
    ["Sure! Here's a draft of the next chapter.\n\n", ''],
    ['**Certainly, here is the continuation:**\n\n', ''],
    ['As an AI language model, I have written this.\n\n', ''],
    ["I'm sorry, but I can't write that. ", ''],
    ['以下是这个场景的正文：\n\n', ''],
    ['好的，以下是续写的内容。\n\n', ''],
    ['当然，这是改写后的正文：', ''],
    ["Sorry, but I'm unable to continue this story. ", ''],
    ['很抱歉，我无法续写这段内容。', ''],
    ['作为AI，我会尽力写好。\n\n', ''],
    ['', '\n\nI hope this helps!'],
    ['', '\n\nLet me know if you would like any changes.'],
    ['', '\n\n(Word count: 512)'],
    ['', '\n\n希望这个场景能让您满意。'],
    ['', '\n\n如果您需要修改，请告诉我。'],
    ['', '\n\n如需调整，请随时告知。'],
    ['', '\n\n如果你想看后面的情节，我可以继续写。'],
    ['', '\n\n（场景结束）'],
  ])('talk about the task: %s…%s', (opening, closing) => {
    const text = opening + scene + closing
    const { faults } = checkProse(text, {})
    expect(faults.map(({ code }) => code)).toEqual(['META_TALK'])
    const [{ from = 0, to = 0 } = {}] = faults
    if (opening === '') expect(text.slice(from, to).trim()).not.toBe('')
    else expect(from).toBe(0)
  })

  it.each([
    '"Here is the story," said Joss. ',
    '"I\'m sorry, but I can\'t write," said Joss. ',
    'Sure enough, here is the sea. ',
    '“作为AI，我……”他说。',
    'Let me know the worst at once. ',
    'Here is the part of it I never told her.\n',
    "I'm sorry I can't be there, dear Joss. ",
    "I'm sorry I can't write more often. ",
    '当然，这是后话。',
    '当然，让我没想到的是，他来了。',
    '可以，下面就是山谷。',
    '对不起，我不能跟你走。',
  ])('leaves alone what people in a story say: %s', saying => {
    expect(codes(saying + scene)).toEqual(clean)
    expect(codes(`${scene.slice(0, 1_500)}\n\nHere is the scene:\n\n${scene.slice(1_500)}`)).toEqual(clean)
  })

  it.each(['如果他想继续走下去，就必须忘记她。', '如果你想继续，就得调整呼吸。'])(
    'leaves alone how a scene ends: %s',
    ending => {
      expect(codes(`${chinese.slice(0, 600)}\n\n${ending}`)).toEqual(clean)
    },
  )

  it.each(['```\n', '<think>She must find it.</think>\n', '<|im_end|>', '[/INST] '])('markup: %s', mark => {
    expect(codes(`${scene}\n${mark}`).faults).toEqual(['MARKUP'])
  })

  it.each(['en', 'zh'] as const)('words and marks of the prompt, %s', language => {
    const instructions = loadPrompts()('generate-scene', language).fixedText
    expect(instructions).not.toContain('{{')
    const own = language === 'en' ? scene : chinese
    for (const line of instructions.split('\n').filter(each => measure(each).words > 12))
      expect(codes(`${own}\n${line}`, { instructions }).faults, line).toContain('PROMPT_ECHO')
    for (const echo of ['<novel-text>', '< / novel-text >', '＜/novel text＞'])
      expect(codes(`${own} ${echo}`).faults, echo).toEqual(['PROMPT_ECHO'])
    const label = language === 'en' ? 'What the author asks for:' : '紧接在这个场景之前的正文：'
    expect(codes(`${own}\n${label}\nMore.`, { instructions }).faults).toEqual(['PROMPT_ECHO'])
    expect(codes(own, { instructions })).toEqual(clean)
  })

  it('loops, also at the end of a long text, with their place', () => {
    const loop = 'He did not look back at the house. '.repeat(120)
    const { faults } = checkProse(english + loop, {})
    expect(faults).toMatchObject([{ code: 'LOOP', limit: 0.2, figure: expect.any(Number) }])
    expect(faults[0]?.from).toBeGreaterThan(english.length - 3_500)
    expect(codes('河水渐渐平静，老人走过石桥。'.repeat(20)).faults).toEqual(['LOOP'])
    expect(codes('The end. '.repeat(60)).faults).toEqual(['LOOP'])
    expect(codes(`${english.slice(3_000, 4_800)} ${english.slice(3_000, 3_300)}`)).toEqual({
      faults: [],
      marks: ['LOOP'],
    })
  })

  it('text that the one before has', () => {
    expect(codes(before.slice(-1_500) + scene, { textBefore: before }).faults).toEqual([
      'REPEATS_TEXT_BEFORE',
    ])
    const said = before.slice(-120)
    expect(codes(said + scene, { textBefore: before })).toEqual({
      faults: [],
      marks: ['REPEATS_TEXT_BEFORE'],
    })
    const far = before + textFor('another text', 4_000)
    expect(codes(before.slice(0, 1_000) + scene, { textBefore: far })).toEqual(clean)
  })

  it.each([
    ['English', english],
    ['Chinese', chinese],
  ])('text around a passage, on both of its sides, in a long scene: %s', (_, book) => {
    const [own, ...sides] = [0, 1, 2, 3].map(part => book.slice(part * 1_000, (part + 1) * 1_000))
    const [near = '', behind = '', far = ''] = sides
    const filler = textFor(book.slice(0, 20), 4_000)
    const textBefore = textAround({ before: far + filler + near, after: behind + filler + far })
    for (const repeated of [near, behind])
      expect(codes(`${own}${repeated}`, { textBefore }).faults).toEqual(['REPEATS_TEXT_BEFORE'])
    expect(codes(`${own}${far}`, { textBefore })).toEqual(clean)
    const { length } = unitsOf(textBefore).starts
    expect(Math.abs(length - 3_000)).toBeLessThan(3)
    // Where nothing follows, all of it is the text before.
    expect(unitsOf(textAround({ before: far + filler + near, after: '' })).starts).toHaveLength(3_000)
  })

  it('another language than that of the novel', () => {
    expect(codes(chinese, { language: 'en' }).faults).toEqual(['OTHER_LANGUAGE'])
    expect(codes(english, { language: 'zh-Hant' }).faults).toEqual(['OTHER_LANGUAGE'])
    const german = 'Der alte Müller ging am frühen Morgen über die Brücke und sah nicht zurück. '.repeat(6)
    expect(codes(german, { language: 'en' }).faults).toContain('OTHER_LANGUAGE')
    expect(codes(german, { language: 'de' }).faults).not.toContain('OTHER_LANGUAGE')
    expect(codes(english, { language: 'und' })).toEqual(clean)
    expect(codes('河水渐渐平静。', { language: 'en' })).toEqual(clean)
  })

  it.each([
    [1, [], []],
    [1.3, [], ['LENGTH']],
    [1.9, ['LENGTH'], []],
    [0.7, [], ['LENGTH']],
    [0.3, ['LENGTH'], []],
  ] as const)('a length of %s times the requested one', (times, faults, marks) => {
    const { words } = measure(scene)
    const requestedLength = { words: Math.floor(words / (times === 1.9 ? 2.1 : times)) }
    expect(codes(scene, { requestedLength })).toEqual({ faults, marks })
  })

  it('names that the novel does not know, where its names are given', () => {
    const text = '"No," said Berit Hask. Mr. Pell nodded. "Never," said Torvald. Berit laughed.'
    expect(codes(text)).toEqual(clean)
    const names = ['Berit Hask', 'Pell']
    expect(codes(text, { known: { names: [...names, 'Torvald'], texts: [] } })).toEqual(clean)
    expect(codes(text, { known: { names, texts: ['They followed Torvald’s dog.'] } })).toEqual(clean)
    for (const texts of [[], ['They followed torvald, and Torvalds.']])
      expect(checkProse(text, { known: { names, texts } }).marks).toMatchObject([
        { code: 'UNKNOWN_NAMES', figure: 1, names: ['Torvald'] },
      ])
    const chinese = '沈禾说：“来。”王川说：“不。”'
    expect(checkProse(chinese, { known: { names: ['沈禾'], texts: ['天黑了。'] } }).marks).toMatchObject([
      { code: 'UNKNOWN_NAMES', names: ['王川'] },
    ])
    expect(codes(chinese, { known: { names: ['沈禾'], texts: ['王川来了。'] } })).toEqual(clean)
  })
})

describe('any text', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc
      .array(fc.constantFrom('the ', '“', '\n', '河水', '# ', '- ', '<', 'novel', 'text', '>', ' ', '```'), {
        maxLength: 400,
      })
      .map(words => words.join('')),
  )

  it('is checked the same twice, within its bounds, and never both ways by one measure', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.integer({ min: 20, max: 400 }), (text, textBefore, words) => {
        const expected = { textBefore, requestedLength: { words }, language: 'en', instructions: textBefore }
        const { faults, marks } = checkProse(text, expected)
        expect(checkProse(text, expected)).toEqual({ faults, marks })
        const found = [...faults, ...marks]
        expect(new Set(found.map(({ code }) => code)).size).toBe(found.length)
        for (const { from = 0, to = from } of found) {
          expect(from).toBeGreaterThanOrEqual(0)
          expect(to).toBeGreaterThanOrEqual(from)
          expect(to).toBeLessThanOrEqual(text.length)
        }
      }),
      { numRuns: sizeOf(100, 2_000) },
    )
  })

  it('is a loop when it is said often enough, and none when it is said once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.boolean(), (number, isChinese) => {
        const text = textFor(`${number}${isChinese ? '河' : ''}`, 12)
        // A mark it may have: of words drawn from twenty, some runs come twice.
        expect(codes(text).faults).toEqual([])
        expect(codes(`${text}\n`.repeat(6)).faults).toEqual(['LOOP'])
      }),
      { numRuns: sizeOf(30, 500) },
    )
  })

  it.each([
    ['spaces', ' '.repeat(1_000_000)],
    ['line breaks', '\n'.repeat(1_000_000)],
    ['one word', 'a'.repeat(1_000_000)],
    ['stars', `${'* '.repeat(500_000)}a`],
    ['signs of a mark', '<'.repeat(1_000_000)],
    ['a loop', '河水平静。'.repeat(200_000)],
  ])('takes time in proportion to its length: a million of %s', (_, text) => {
    const cpu = cpuSince()
    checkProse(text, {
      textBefore: text,
      requestedLength: { words: 100 },
      language: 'en',
      instructions: 'Write the scene:',
    })
    expect(cpu()).toBeLessThan(5_000)
  })
})
