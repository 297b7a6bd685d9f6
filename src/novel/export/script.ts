import { detectLanguage } from '../../ai/text/language.ts'
import type { Book } from './book.ts'

/** How the text of a book is written. */
export interface BookScript {
  /** BCP 47 tag: as the book says, else as its letters tell; `und` where neither does. */
  readonly language: string
  /** Chinese, Japanese or Korean. */
  readonly isEastAsian: boolean
  readonly isChinese: boolean
  /** From right to left, as Arabic and Hebrew. */
  readonly isRightToLeft: boolean
}

/** UTF-16 units of a book that are looked at. */
const sampleLength = 20_000

const letter = /\p{L}/gu
const rightToLeftLetter =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/gu

/** Returns how a book is written, after reading its beginning. */
export async function scriptOf(book: Book): Promise<BookScript> {
  const sample = await beginningOf(book)
  const found = detectLanguage(sample)
  const language = canonical(book.language) ?? found.tag
  const count = (pattern: RegExp) => sample.match(pattern)?.length ?? 0
  return {
    language,
    isEastAsian: found.writing === 'cjk',
    isChinese: /^zh(?:-|$)/.test(language),
    isRightToLeft: count(rightToLeftLetter) * 2 > count(letter),
  }
}

async function beginningOf(book: Book): Promise<string> {
  let text = book.title
  for await (const part of book.parts()) {
    if (part.kind === 'scene') text += `\n${part.content.slice(0, sampleLength)}`
    if (text.length >= sampleLength) break
  }
  return text
}

/** Returns a tag in its canonical form; undefined for what is none. */
function canonical(tag: string | undefined): string | undefined {
  try {
    return Intl.getCanonicalLocales(tag)[0]
  } catch {
    return undefined
  }
}
