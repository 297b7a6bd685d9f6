import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renamedText } from '../../src/novel/codex/rename.ts'
import { type Words, wordFinder } from '../../src/novel/find-words.ts'

const words = (find: string, replace: string, more: Partial<Words> = {}): Words => ({
  ...{ find, replace, matchCase: false, wholeWords: false, ...more },
})

function replacedIn(text: string, asked: Words): string {
  return renamedText(text, wordFinder(asked)(text))
}

const exact = { matchCase: true }
const whole = { wholeWords: true }

describe('words that are replaced', () => {
  test.each<[text: string, asked: Words, replaced: string]>([
    ['The mill. A mill, the MILL.', words('mill', 'tower'), 'The tower. A tower, the TOWER.'],
    ['The mill. A mill, the MILL.', words('the mill', 'the tower'), 'The tower. A mill, the tower.'],
    ['The mill. A mill, the MILL.', words('mill', 'tower', exact), 'The tower. A tower, the MILL.'],
    ['millers at the mill', words('mill', 'tower', whole), 'millers at the tower'],
    ['millers at the mill', words('mill', 'tower'), 'towerers at the tower'],
    ['a mill_2, mill2, mill-2', words('mill', 'x', whole), 'a mill_2, mill2, x-2'],
    ['张飞来了，飞走了', words('飞', '翼', whole), '张翼来了，翼走了'],
    ['Élan, élan', words('élan', 'drive', whole), 'Drive, drive'],
    ['straße', words('aß', 'as', whole), 'straße'],
    // Signs that are written in several ways.
    ["don't, don’t", words("don't", 'do not'), 'do not, do not'],
    ['“Yes”, "Yes"', words('“yes”', '“No”', exact), '“Yes”, "Yes"'],
    ['“Yes”, "Yes"', words('“Yes”', '“No”', exact), '“No”, “No”'],
    ['well-known, well‑known', words('well-known', 'famous'), 'famous, famous'],
    // Nothing is a pattern.
    ['a.c, abc, a.c*', words('a.c', 'x'), 'x, abc, x*'],
    ['(1+1) [2] {3} \\d ^$|/', words('(1+1) [2] {3} \\d ^$|/', 'all'), 'all'],
    ['x && y -- z', words('&& y --', 'or'), 'x or z'],
    // Taken out.
    ['very, very late', words('very, ', ''), 'very late'],
    // What has been replaced is no place again.
    ['the old mill, a mill', words('mill', 'old mill'), 'the old mill, a old mill'],
    ['aa a aaa', words('a', 'aa'), 'aa aa aaaa'],
    ['𝒜 mill', words('𝒜', 'A', exact), 'A mill'],
  ])('%s', (text, asked, replaced) => {
    expect(replacedIn(text, asked)).toBe(replaced)
  })

  test('any text is found as it is typed, and what was replaced has no place any more', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    const short = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
      .filter(each => each.trim() !== '')
    fc.assert(
      fc.property(text, short, short, text, (before, find, replace, after) => {
        const asked = words(find, replace, exact)
        const found = wordFinder(asked)(`${before}${find}${after}`)
        expect(found.length).toBeGreaterThan(replace.includes(find) || replace === find ? -1 : 0)
        const once = replacedIn(`${before}${find}${after}`, asked)
        if (replace.includes(find)) expect(wordFinder(asked)(once)).toEqual([])
      }),
    )
  })
})
