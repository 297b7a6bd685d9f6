import { describe, expect, test } from 'vitest'
import { candidateAt } from '../../src/ai/extractive/candidates.ts'
import type { Writing } from '../../src/ai/text/language.ts'

/** The last line of a text as a candidate; what stands before it is its surroundings. */
function lastLine(text: string, writing: Writing) {
  const start = text.trimEnd().lastIndexOf('\n') + 1
  return candidateAt(text, { start, end: text.length }, writing)
}

describe('a sentence that may stand in a summary', () => {
  test.each<[string, string, Writing]>([
    ['a plain sentence', '云长舞动大刀，纵马飞迎。', 'cjk'],
    ['a speech', '玄德曰：“吾欲取之，如何？”', 'cjk'],
    ['a sentence with two clauses of verse length', '玄德领了命，引军而去，星夜投颍川来。', 'cjk'],
    ['an English sentence', 'The rabbit ran across the field.', 'spaced'],
    ['one with an apostrophe of a plural', 'The rabbits’ holes were very deep.', 'spaced'],
    ['a short line after a finished one', 'She sat down.\nThe rabbit ran across the field.\n', 'spaced'],
    ['a short line after a blank one', 'Down the Hole\n\nThe rabbit ran across the field.\n', 'spaced'],
  ])('%s tells', (_, text, writing) => {
    expect(lastLine(text, writing)).toMatchObject({ telling: true })
  })

  test.each<[string, string, Writing]>([
    ['too little', '云长大怒。', 'cjk'],
    ['too few words', 'The rabbit ran.', 'spaced'],
    ['a couplet', '青山依旧在，几度夕阳红。', 'cjk'],
    [
      'verse in a speech',
      '后人有诗赞曰：“威镇乾坤第一功，辕门画鼓响冬冬。云长停盏施英勇，酒尚温时斩华雄。”',
      'cjk',
    ],
    ['a quotation that is not closed', '玄德曰：“吾欲取之，如何？', 'cjk'],
    ['a quotation that was not opened', '吾欲取之，公等以为如何？”', 'cjk'],
    ['an English one that was not opened', "What nonsense I am talking to you!'", 'spaced'],
    ['a line of verse', 'You are old, the young man said,\nAnd your hair has become very white.\n', 'spaced'],
  ])('%s does not', (_, text, writing) => {
    expect(lastLine(text, writing)).toMatchObject({ telling: false })
  })

  test.each(['第一回 宴桃园豪杰三结义\n', 'CHAPTER I\n', '……！\n', '  \n', '* * *.\n', '他走到门口，'])(
    '%j is none',
    text => {
      expect(lastLine(text, 'cjk')).toBeUndefined()
    },
  )

  test('its terms are pairs of characters and words without grammar, its speech a share', () => {
    const text = '  他曰：“走吧 Alice，and the rabbits。” '
    const candidate = candidateAt(text, { start: 0, end: text.length }, 'cjk')
    expect([...(candidate?.terms ?? [])]).toEqual(['他曰', '走吧', 'alice', 'rabbit'])
    expect(candidate).toMatchObject({ start: 2, end: 32 })
    expect(candidate?.speech).toBeCloseTo(25 / 30, 5)
  })
})
