import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chapterFileName, fileNameOf } from '../../../src/novel/export/file-name.ts'

const emoji = '👩‍👩‍👧‍👦'

describe('the name of the file of a novel', () => {
  test.each([
    ['The Salt Ledger', 'The Salt Ledger.txt'],
    ['渡口的钟', '渡口的钟.txt'],
    ['Война и мир: том 1/2', 'Война и мир том 1 2.txt'],
    ['"What?" <she> | *said*', 'What she said.txt'],
    ['../../etc/passwd', 'etc passwd.txt'],
    ['.hidden.', 'hidden.txt'],
    ['  A\tline\nend\u0085 and\u202e more\u0000 ', 'A line end and more.txt'],
    ['Cafe\u0301', 'Café.txt'],
    ['می‌خواهم', 'می‌خواهم.txt'],
    ['\ud800Half\udc00', 'Half.txt'],
    ['Con', '_Con.txt'],
    ['nul.und.void', '_nul.und.void.txt'],
    ['LPT1 ', '_LPT1.txt'],
    ['Console', 'Console.txt'],
    ['', 'novel.txt'],
    [' . ', 'novel.txt'],
    ['???', 'novel.txt'],
    ['a'.repeat(300), `${'a'.repeat(96)}.txt`],
    ['钟'.repeat(300), `${'钟'.repeat(66)}.txt`],
    [emoji.repeat(20), `${emoji.repeat(8)}.txt`],
    [`${'a'.repeat(95)} b`, `${'a'.repeat(95)}.txt`],
  ])('of %j is %j', (title, name) => {
    expect(fileNameOf(title, 'txt')).toBe(name)
  })

  test('is one that every system takes, whatever the title is', () => {
    const titles = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(titles, fc.nat(20_000), (title, position) => {
        const names = [
          fileNameOf(title, 'docx'),
          chapterFileName({ title, position }, { last: 20_001, extension: 'docx' }),
        ]
        for (const name of names) {
          expect(name).toMatch(
            /^[^. <>:"/\\|?*\p{Cc}\p{Surrogate}][^<>:"/\\|?*\p{Cc}\p{Surrogate}]*(?<![. ])\.docx$/u,
          )
          expect(name.length).toBeLessThanOrEqual(100)
          expect(Buffer.byteLength(name)).toBeLessThan(250)
        }
      }),
    )
  })
})

describe('the name of the file of a chapter', () => {
  test.each([
    [0, 'Chapter 1: The Weighing House', 5, '001 Chapter 1 The Weighing House.md'],
    [41, '第四十二回', 120, '042 第四十二回.md'],
    [0, 'Con', 9, '001 Con.md'],
    [6, '', 9, '007.md'],
    [999, 'Late', 1_200, '1000 Late.md'],
    [0, 'Early', 1_200, '0001 Early.md'],
  ])('%i %j of %i is %j', (position, title, last, name) => {
    expect(chapterFileName({ position, title }, { last, extension: 'md' })).toBe(name)
  })
})
