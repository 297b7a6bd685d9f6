import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { detectLanguage } from '../../src/ai/text/language.ts'
import { characterPairs, letterRuns, normaliseWord } from '../../src/ai/text/terms.ts'
import { hardText } from './arbitraries.ts'

describe('letters', () => {
  test.each<[string, string[]]>([
    ['关公，桃园', ['unspaced 关公', 'unspaced 桃园']],
    ["Alice's cat, 3 o’clock", ["word Alice's", 'word cat', 'word 3', 'word o’clock']],
    ['第12章abc中文', ['unspaced 第', 'word 12', 'unspaced 章', 'word abc', 'unspaced 中文']],
    ["'tis the boys' café", ['word tis', 'word the', 'word boys', 'word café']],
    ['…—！ \n', []],
  ])('runs of %j', (text, expected) => {
    expect([...letterRuns(text)].map(run => `${run.kind} ${text.slice(run.start, run.end)}`)).toEqual(
      expected,
    )
  })

  test('runs ascend, never touch what is no letter, and leave no letter out', () => {
    fc.assert(
      fc.property(hardText, text => {
        let at = 0
        for (const { start, end } of letterRuns(text)) {
          expect(text.slice(at, start)).not.toMatch(/[\p{L}\p{N}]/u)
          expect(end).toBeGreaterThan(start)
          at = end
        }
        expect(text.slice(at)).not.toMatch(/[\p{L}\p{N}]/u)
      }),
    )
  })

  test.each([
    ['Rabbits', 'rabbit'],
    ["Alice's", 'alice'],
    ['Alice’s', 'alice'],
    ["boys'", 'boy'],
    ['ladies', 'lady'],
    ['glass', 'glass'],
    ['bus', 'bus'],
    ['horses', 'horse'],
    ['ＡＬＩＣＥ', 'alice'],
    ['ﬁsh', 'fish'],
    ['was', 'was'],
    ['does', 'does'],
    ['12', '12'],
  ])('%s is compared as %s', (word, expected) => {
    expect(normaliseWord(word)).toBe(expected)
  })

  test('pairs go by characters, not by code units', () => {
    expect(characterPairs('桃园𠀀')).toEqual(['桃园', '园𠀀'])
    expect(characterPairs('羽')).toEqual(['羽'])
  })
})

describe('language', () => {
  test.each([
    ['话说天下大势，分久必合，合久必分。', 'zh', 'cjk'],
    ['昔々、ある所におじいさんとおばあさんがいました。', 'ja', 'cjk'],
    ['옛날 옛적에 한 마을에 할아버지가 살았습니다.', 'ko', 'cjk'],
    ['Alice was beginning to get very tired of sitting by her sister.', 'en', 'spaced'],
    [
      'Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient.',
      'und',
      'spaced',
    ],
    ['他用 iPhone 看了一部叫 Alice in Wonderland 的电影，然后回家睡觉去了。', 'zh', 'cjk'],
    ['!!! ???', 'und', 'spaced'],
  ])('%s', (text, tag, writing) => {
    expect(detectLanguage(text)).toEqual({ tag, writing })
  })
})
