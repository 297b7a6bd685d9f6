/** Words of a text as somebody typed them, and what takes their place. */
import { z } from 'zod'
import { type RenamePlace, respell } from './codex/rename.ts'

/** What is looked for, and what takes its place. */
export const wordFields = {
  /** As it stands in the text; an apostrophe or a quotation mark may be a straight or a curly one. */
  find: z
    .string()
    .min(1)
    .max(200)
    .refine(text => text.trim() !== '', 'give something that can be seen'),
  /** Empty: it is taken out. */
  replace: z.string().max(200).default(''),
  /** Whether capitals count. Where they do not, what takes the place of words with a capital has one too. */
  matchCase: z.boolean().default(false),
  /** Whether letters and digits may stand beside it. Chinese and Japanese have no borders of words. */
  wholeWords: z.boolean().default(false),
}

/** What is looked for, and what takes its place. */
export interface Words {
  readonly find: string
  readonly replace: string
  readonly matchCase: boolean
  readonly wholeWords: boolean
}

/** Signs that are written in several ways. */
const alike = [`'’‘`, `"“”„`, '-‐‑']

/** Letters with borders: between two of others, a word may begin. */
const bordered = '[[\\p{L}\\p{M}\\p{N}_]--[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]]'

/**
 * Returns what finds the places of words in a text, each with what takes its place. What has been replaced is no place: the words may be in what takes their
 * place.
 */
export function wordFinder({ find, replace, matchCase, wholeWords }: Words): (text: string) => RenamePlace[] {
  const [before, after] = wholeWords ? [`(?<!${bordered})`, `(?!${bordered})`] : ['', '']
  const isWithin = replace.toLowerCase().includes(find.toLowerCase())
  const made = isWithin ? `(${patternOf(replace)})|` : '()'
  const pattern = new RegExp(`${made}${before}${patternOf(find)}${after}`, matchCase ? 'gv' : 'giv')
  return text =>
    [...text.matchAll(pattern)].flatMap(({ 0: found, 1: replaced, index: start }): RenamePlace[] => {
      const to = matchCase || replace === '' ? replace : respell(found, find, replace).to
      return replaced || to === found ? [] : [{ start, end: start + found.length, text: found, to }]
    })
}

/** Returns the pattern of words that are written so, with signs that may be written otherwise. */
function patternOf(words: string): string {
  return [...words]
    .map(sign => {
      const ways = alike.find(each => each.includes(sign))
      if (ways !== undefined) return `[${ways.replace('-', '\\-')}]`
      return /[$()*+./?[\\\]^{|}]/.test(sign) ? `\\${sign}` : sign
    })
    .join('')
}
