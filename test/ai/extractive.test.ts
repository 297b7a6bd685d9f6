import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extractiveModel, summariseSteps } from '../../src/ai/extractive/extractive.ts'
import { joinSentences } from '../../src/ai/extractive/join.ts'
import type { SummaryRequest } from '../../src/ai/model.ts'
import { detectLanguage } from '../../src/ai/text/language.ts'
import { runThrough } from '../../src/runtime/cooperate.ts'
import { hardText, textWithLetters } from './arbitraries.ts'

const summarise = (request: SummaryRequest) => runThrough(summariseSteps(request))
const quoted = (request: SummaryRequest) =>
  summarise(request).sentences?.map(({ start, end }) => request.text.slice(start, end)) ?? []

const battle = [
  '关羽提刀上马，直取华雄。',
  '华雄引军出关，来战关羽。',
  '众将在帐中等候消息，只听得鼓声大震。',
  '关羽斩了华雄，提头回帐。',
  '帐外天色已晚，炊烟四起。',
  '曹操斟酒，为关羽庆功。',
]

describe('the extractive model', () => {
  test('says what it is', async () => {
    const model = extractiveModel()
    const summary = await model.summarise({ text: battle.join('') })
    expect(model).toMatchObject({ id: 'extractive', method: 'extractive', takesInstructions: false })
    expect(summary).toMatchObject({ method: 'extractive', language: 'zh', model: 'extractive' })
    expect(summary).not.toHaveProperty('usage')
  })

  test('picks what the text keeps coming back to, each thing once, in the order of the text', () => {
    const text = [
      '关羽出马大战华雄。',
      '帐外天色已晚，炊烟四起。',
      '曹操忧心粮草不足。',
      '关羽不等华雄答话。',
      '粮草未到，曹操叹息。',
      '华雄败走，关羽追赶。',
    ]
    expect(quoted({ text: text.join(''), maxCharacters: 22 })).toEqual([text[0], text[2]])
  })

  test('a long sentence has to be worth its length', () => {
    const long = '关羽与华雄在关前交战多时，天色将晚，众军士各自回营造饭，直到清晨方才又出。'
    const text = [
      '关羽拍马来战那华雄。',
      long,
      '华雄回马又战了关羽。',
      '关羽追赶华雄到关下。',
      '关下关羽唤华雄答话。',
    ].join('')
    expect(quoted({ text, maxCharacters: 40 })).not.toContainEqual(expect.stringContaining('造饭'))
  })

  test('a repeated sentence is quoted once', () => {
    const text = [...battle, battle[3], battle[3], battle[3]].join('')
    expect(quoted({ text }).filter(sentence => sentence === battle[3])).toHaveLength(1)
  })

  test('prefers telling over speech', () => {
    const text = `${battle.join('')}关羽曰：“吾今斩了华雄，华雄已斩，关羽提头在此，众将可见华雄首级？”`
    expect(quoted({ text, maxCharacters: 60 })).not.toContainEqual(expect.stringContaining('曰'))
  })

  test.each([
    ['a heading', `第五回 关羽斩华雄\n${battle.join('')}`, '第五回'],
    [
      'regulated verse',
      `${battle.join('')}后人有诗曰：“关羽斩华雄，华雄遇关羽。关羽提刀回，华雄命已休。”`,
      '后人有诗',
    ],
    ['half a quotation', `${battle.join('')}关羽斩华雄，华雄败于关羽之手！”`, '败于关羽'],
    ['what is too short to tell something', `${battle.join('')}关羽斩华雄。`, '。关羽斩华雄。'],
  ])('never picks %s', (_, text, unwanted) => {
    expect(quoted({ text, maxCharacters: 60 }).join('')).not.toContain(unwanted)
  })

  test('verse in lines is not picked', () => {
    const story = [
      'The old father stood on his head in the garden every single morning of the week.',
      'The young man asked the old father whether the garden was right for his head.',
      'The old father in the garden answered that the young man had no head at all.',
      'Then the young man left the garden and the old father behind him for good.',
      'Nobody saw the young man or the old father in that garden again.',
    ]
    const verse = 'You are old father William the young man said,\nAnd your garden is white on your old head.'
    const text = `${story.join('\n\n')}\n\n${verse}\n\n`
    expect(quoted({ text, maxCharacters: 300 })).not.toContainEqual(expect.stringContaining('white'))
  })

  test('a short scene is its own beginning', () => {
    expect(quoted({ text: '第一章\n　　天亮了。他走了。\n　　她没有动。' })).toEqual([
      '天亮了。',
      '他走了。',
      '她没有动。',
    ])
  })

  test('where there is room, sentences that share nothing with others are told as well', () => {
    expect(quoted({ text: battle.join('') })).toEqual(battle)
  })

  test('a sentence that is too long alone is cut after a clause, or anywhere', () => {
    expect(quoted({ text: '他推开门，屋里没有人，只有风声穿堂而过。', maxCharacters: 12 })).toEqual([
      '他推开门，屋里没有人，',
    ])
    expect(quoted({ text: '没有标点的一行字一直写下去', maxCharacters: 4 })).toEqual(['没有标点'])
    expect(quoted({ text: '𠀀𠀀𠀀𠀀', maxCharacters: 3 })).toEqual(['𠀀'])
  })

  test('line breaks of a page are undone in the summary, and only there', () => {
    const line =
      'Alice ran after the white rabbit across the field and\nfortunately saw the rabbit go down a hole in the field.'
    const text = Array.from({ length: 3 }, () => line).join('\n\n')
    const summary = summarise({ text })
    expect(summary.language).toBe('en')
    expect(summary.summary).toContain('field and fortunately')
    expect(quoted({ text })[0]).toBe(line)
  })

  test('Korean keeps the spaces between its words and sentences', () => {
    const [first, second] = ['나는 오늘\n학교에 갔다.', '그는 집에 있었다.']
    const text = `${first}${second}`
    const { writing } = detectLanguage(text)
    const spans = [
      { start: 0, end: first.length },
      { start: first.length, end: text.length },
    ]
    expect(joinSentences(text, spans, writing)).toBe('나는 오늘 학교에 갔다. 그는 집에 있었다.')
    expect(
      joinSentences(
        '三人\n结义。黄巾起。',
        [
          { start: 0, end: 6 },
          { start: 6, end: 10 },
        ],
        writing,
      ),
    ).toBe('三人结义。黄巾起。')
  })

  test('a named language is kept', () => {
    expect(summarise({ text: battle.join(''), language: 'zh-Hant' }).language).toBe('zh-Hant')
  })

  test('the usual length is about 150 characters of Chinese', () => {
    const text = Array.from(
      { length: 60 },
      (_, i) => `关羽第${i}次出战华雄，众将都在帐中等候关羽回来。`,
    ).join('')
    const { length } = summarise({ text }).summary
    expect(length).toBeGreaterThan(100)
    expect(length).toBeLessThanOrEqual(160)
  })

  test('every sentence is a slice of the text, ascending, and the summary is made of nothing else', () => {
    fc.assert(
      fc.property(
        textWithLetters,
        fc.option(fc.integer({ min: 2, max: 80 }), { nil: undefined }),
        (text, maxCharacters) => {
          const request = maxCharacters === undefined ? { text } : { text, maxCharacters }
          const { summary, sentences = [] } = summarise(request)
          let at = 0
          for (const { start, end } of sentences) {
            expect(start).toBeGreaterThanOrEqual(at)
            expect(end).toBeGreaterThan(start)
            at = end
          }
          expect(at).toBeLessThanOrEqual(text.length)
          const bare = (part: string) => part.replace(/\s/gu, '')
          expect(bare(summary)).toBe(bare(sentences.map(({ start, end }) => text.slice(start, end)).join('')))
          expect(summary.trim()).not.toBe('')
          if (maxCharacters !== undefined) expect(summary.length).toBeLessThanOrEqual(maxCharacters)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('the same text gives the same summary', () => {
    fc.assert(
      fc.property(textWithLetters, text => {
        expect(summarise({ text })).toEqual(summarise({ text }))
      }),
      { numRuns: 50 },
    )
  })

  test.each<[string, SummaryRequest, string]>([
    ['a blank text', { text: ' \n　' }, 'SCENE_EMPTY'],
    ['a text of marks', { text: '……！？***' }, 'SCENE_EMPTY'],
    ['no length', { text: '天亮了。', maxCharacters: 0 }, 'OPTION_INVALID'],
    ['half a character', { text: '天亮了。', maxCharacters: 1.5 }, 'OPTION_INVALID'],
    ['an endless length', { text: '天亮了。', maxCharacters: 10_001 }, 'OPTION_INVALID'],
    ['instructions', { text: '天亮了。', instructions: 'be funny' }, 'OPTION_INVALID'],
  ])('refuses %s', async (_, request, code) => {
    await expect(extractiveModel().summarise(request)).rejects.toMatchObject({ code })
  })

  test('blank and markless texts alone are refused', () => {
    fc.assert(
      fc.property(hardText, text => {
        if (/[\p{L}\p{N}]/u.test(text)) expect(summarise({ text }).summary).not.toBe('')
        else expect(() => summarise({ text })).toThrow(expect.objectContaining({ code: 'SCENE_EMPTY' }))
      }),
    )
  })
})

describe('a hostile text', () => {
  test.each<[string, string]>([
    ['without an end of a sentence', 'abc de '.repeat(200_000)],
    ['of one Chinese run', '话说天下大势'.repeat(100_000)],
    ['of abbreviations', 'Mr. '.repeat(100_000)],
    ['of opening marks', '“a. B '.repeat(100_000)],
    ['of short lines', '话\n'.repeat(200_000)],
    ['of one sentence again and again', '他走了又来了走了。'.repeat(50_000)],
  ])('%s is read in small steps', (_, text) => {
    const steps = summariseSteps({ text })
    let count = 0
    while (!steps.next().done) count += 1
    expect(count).toBeGreaterThan(text.length / 8_000)
  })

  test('of more than 10,000 sentences is thinned out evenly, so that memory is bounded', () => {
    const sentences = Array.from({ length: 30_000 }, (_, i) => `他在${numeral(i)}天走了又来了。`)
    const picked = quoted({ text: sentences.join(''), maxCharacters: 10_000 })
    const places = picked.map(sentence => sentences.indexOf(sentence))
    expect(places.filter(place => place % 4 !== 0)).toEqual([])
    expect(Math.max(...places)).toBeGreaterThan(20_000)
  })
})

/** A number in characters that are no digits, so that every number is a term of its own. */
function numeral(value: number): string {
  return [...`${value}`].map(digit => '零一二三四五六七八九'[Number(digit)]).join('')
}

describe('a long text', () => {
  const text = Array.from(
    { length: 20_000 },
    (_, i) => `关羽第${i}次出战华雄，众将${i % 97}人都在帐中等候。`,
  ).join('')

  test('leaves turns to the event loop', async () => {
    let turns = 0
    let running = true
    const count = () => {
      turns += 1
      if (running) setImmediate(count)
    }
    setImmediate(count)
    await extractiveModel().summarise({ text })
    running = false
    expect(turns).toBeGreaterThan(5)
  })

  test('is given up with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by the author')
    const summary = extractiveModel().summarise({ text }, { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    await expect(summary).rejects.toBe(reason)
  })

  test('is not begun when the signal has fired', async () => {
    const signal = AbortSignal.abort()
    await expect(extractiveModel().summarise({ text: '天亮了。' }, { signal })).rejects.toBe(signal.reason)
  })
})
