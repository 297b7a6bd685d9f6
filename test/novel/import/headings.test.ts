import { describe, expect, it } from 'vitest'
import { isSeparator } from '../../../src/novel/import/lines.ts'
import { chineseNumber, leadingNumber, romanNumber } from '../../../src/novel/import/numerals.ts'
import { readHeading } from '../../../src/novel/import/read-heading.ts'

describe('headings that are sure', () => {
  it.each([
    ['第三章', '章', 3, ''],
    ['第三章 归来', '章', 3, '归来'],
    ['第三章　归来', '章', 3, '归来'],
    ['第三章：归来', '章', 3, '归来'],
    ['第三章、归来', '章', 3, '归来'],
    ['第三章归来', '章', 3, '归来'],
    ['第 3 章 归来', '章', 3, '归来'],
    ['第０１２章 归来', '章', 12, '归来'],
    ['第一百零八章 归来', '章', 108, '归来'],
    ['第一〇八章 归来', '章', 108, '归来'],
    ['第百二十回 荐杜预老将献新谋　降孙皓三分归一统', '回', 120, '荐杜预老将献新谋　降孙皓三分归一统'],
    ['第廿三回 归来', '回', 23, '归来'],
    ['第卅一回', '回', 31, ''],
    ['第两千零五章 终', '章', 2005, undefined],
    ['第壹章 归来', '章', 1, '归来'],
    ['第五話　夏の終わり', '话', 5, '夏の終わり'],
    ['第十二節 夜', '节', 12, '夜'],
    ['第12-13章 双章', '章', 12, '双章'],
    ['第三章 你是谁？', '章', 3, '你是谁？'],
    ['第三章（上）', '章', 3, '（上）'],
    ['第三章 《红楼》', '章', 3, '《红楼》'],
    ['正文 第三章 归来', '章', 3, '归来'],
    ['【第三章】归来', '章', 3, '归来'],
    ['【第三章 归来】', '章', 3, '归来'],
    ['=== 第三章 归来 ===', '章', 3, '归来'],
    ['☆、第三章 归来', '章', 3, '归来'],
    ['第三章 归来 ………… 45', '章', 3, '归来'],
    ['第二卷 潮落', '卷', 2, '潮落'],
    ['卷二 潮落', '卷', 2, '潮落'],
    ['卷之二', '卷', 2, ''],
    ['上卷', '卷', 1, ''],
    ['第二部 潮落', '部', 2, '潮落'],
    ['楔子', 'named', undefined, ''],
    ['序　章', 'named', undefined, ''],
    ['序章：雾', 'named', undefined, '雾'],
    ['尾聲', 'named', undefined, ''],
    ['后记', 'named', undefined, ''],
    ['番外一', 'named', undefined, ''],
    ['番外（3） 雪夜', 'named', undefined, '雪夜'],
    ['番外之雪夜', 'named', undefined, '雪夜'],
    ['大结局', 'named', undefined, ''],
    ['Chapter 12', 'chapter', 12, ''],
    ['CHAPTER XII.', 'chapter', 12, ''],
    ['Chapter XIV: The Weir', 'chapter', 14, 'The Weir'],
    ['CHAPTER I. Down the Rabbit-Hole', 'chapter', 1, 'Down the Rabbit-Hole'],
    ['CHAPTER 1. Loomings.', 'chapter', 1, 'Loomings.'],
    ['Chapter 7 — The Far Bank', 'chapter', 7, 'The Far Bank'],
    ['Chapter 1 The Boy Who Waited', 'chapter', 1, 'The Boy Who Waited'],
    ['Chapter 3 THE SHADOW', 'chapter', 3, 'THE SHADOW'],
    ['Chapter Twenty-One', 'chapter', 21, ''],
    ['CHAPTER THE FIRST', 'chapter', 1, ''],
    ['Chapter One Hundred and Seven', 'chapter', 107, ''],
    ['Chapter the Last', 'chapter', undefined, ''],
    ['THE SECOND CHAPTER', 'chapter', 2, ''],
    ['Chap. 4', 'chapter', 4, ''],
    ['**Chapter 4**', 'chapter', 4, ''],
    ['Kapitel 4', 'chapter', 4, ''],
    ['PART TWO: THE FERRY', 'part', 2, 'THE FERRY'],
    ['BOOK THE SECOND', 'book', 2, ''],
    ['Volume III', 'volume', 3, ''],
    ['STAVE ONE.', 'stave', 1, ''],
    ['Letter 4', 'letter', 4, ''],
    ['Prologue', 'named', undefined, ''],
    ['EPILOGUE.', 'named', undefined, ''],
    ['Interlude: The Lamp', 'named', undefined, 'The Lamp'],
    ['APPENDIX B', 'named', undefined, ''],
    ['Introduction to the Second Edition', 'named', undefined, 'to the Second Edition'],
  ])('%s', (line, style, number, name) => {
    if (name === undefined) return expect(readHeading(line)).toBeUndefined()
    expect(readHeading(line)).toMatchObject({ style, name, sureness: 'sure' })
    expect(readHeading(line)?.number).toBe(number)
  })

  it('reads a volume and a chapter in one line', () => {
    expect(readHeading('第一卷 雾河 第三章 渡口')).toMatchObject({
      title: '第一卷 雾河',
      inner: { title: '第三章 渡口', number: 3 },
    })
    expect(readHeading('VOLUME I, CHAPTER II: The Mill')).toMatchObject({
      title: 'VOLUME I',
      inner: { title: 'CHAPTER II: The Mill', number: 2 },
    })
  })
})

describe('lines that are no heading, or only by the numbers around them', () => {
  it.each([
    '第三章的事情他早已忘了，于是……',
    '第三章我们来到了一个从来没有人去过的地方，',
    '第一回见到他是在渡口。',
    '第二部电影',
    '第三节课',
    '第一集团军',
    '第二天',
    '第三者',
    '第一章完',
    '（第一卷 完）',
    '“第三章。”她念道。',
    '尾声渐渐消失了。',
    '前言不搭后语',
    '番外的事情以后再说。',
    '上部队去了',
    '下卷帘子',
    '后记得关门',
    'Chapter 3 was the worst thing I wrote.',
    'Chapter 3, which I wrote last, is short.',
    'Chapter I wrote last night.',
    "Chapter 3's ending",
    'chapter 3 of the book',
    'Part of me',
    'Part one of the plan was simple.',
    'Book two tickets.',
    'Volume was the problem.',
    'Letter by letter he spelled it.',
    'First part of the day',
    'One day he came back.',
    'Introduction was never needed.',
    'Preface this with a word, he said.',
    'Prologues are dull.',
    'I am here.',
    "I'd go.",
    'It was the best of times.',
    '“I”',
    '……',
    '',
    'x'.repeat(121),
    `Chapter 3 ${'x'.repeat(120)}`,
  ])('%s', line => {
    expect(readHeading(line)?.sureness ?? 'none').not.toBe('sure')
  })

  it.each(['I', 'XIV.', '12', '12.', 'Twelve', '十二', '（三）', '3. The Mill', '三、渡口', '1. milk'])(
    'a bare numeral is weak: %s',
    line => expect(readHeading(line)?.sureness ?? 'none').toMatch(/weak|none/),
  )
})

describe('numerals', () => {
  it.each([
    ['十', 10],
    ['二十', 20],
    ['一百二十', 120],
    ['一千零一', 1001],
    ['一万', 10_000],
    ['二〇二', 202],
    ['零', 0],
    ['甲', undefined],
  ])('Chinese %s', (text, value) => expect(chineseNumber(text)).toBe(value))

  it.each([
    ['XLIX', 49],
    ['XCIX', 99],
    ['IIII', 4],
    ['IC', undefined],
    ['VX', undefined],
  ])('Roman %s', (text, value) => expect(romanNumber(text)).toBe(value))

  it('English words up to a hundred and beyond', () => {
    const units = ['One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine']
    const tens = ['Twenty', 'Thirty', 'Forty', 'Fifty', 'Sixty', 'Seventy', 'Eighty', 'Ninety']
    for (const [i, unit] of units.entries()) expect(leadingNumber(unit)?.value).toBe(i + 1)
    for (const [t, ten] of tens.entries()) {
      expect(leadingNumber(ten)?.value).toBe(t * 10 + 20)
      for (const [i, unit] of units.entries()) {
        expect(leadingNumber(`${ten}-${unit}`)?.value).toBe(t * 10 + 21 + i)
        expect(leadingNumber(`${ten} ${unit}`.toUpperCase())?.value).toBe(t * 10 + 21 + i)
      }
    }
    expect(leadingNumber('One Hundred')?.value).toBe(100)
    expect(leadingNumber('the Thirty-Third')?.value).toBe(33)
    expect(leadingNumber('Oneness')).toBeUndefined()
  })
})

describe('separators', () => {
  it.each(['*', '***', '* * *', '---', '———', '——', '◇◇◇', '#', '※※※', '~~~', '_____', '⁂', '☆☆☆'])(
    '%s',
    line => expect(isSeparator(line)).toBe(true),
  )
  it.each(['', '-', '—', '……', '...', '*a*', '# Title', '1', '--', '“……”'])('not %s', line =>
    expect(isSeparator(line)).toBe(false),
  )
})
