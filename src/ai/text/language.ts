import { letterRuns } from './terms.ts'

/** How a text is written: `cjk` in Chinese, Japanese or Korean, `spaced` in words between spaces. */
export type Writing = 'cjk' | 'spaced'

/** What the letters of a text tell about its language. */
export interface TextLanguage {
  /** BCP 47 tag; `und` where the letters do not tell. */
  readonly tag: string
  readonly writing: Writing
}

/** Code units that are looked at. */
const sampleLength = 20_000
/** Share of function words from which a text counts as English; novels have about 0.4, other languages below 0.1. */
const englishShare = 0.2

/** English words that carry grammar rather than content. They tell the language, and do not count in a comparison. */
export const englishFunctionWords: ReadonlySet<string> = new Set(
  `a about after again all am an and any are as at be because been before being but by can could did do does down for
  from had has have having he her here hers herself him himself his how i if in into is it its itself just me more most
  my myself no nor not now of off on once only or other our out over own said same she should so some such than that the
  their them then there these they this those through to too under until up upon very was we were what when where which
  while who whom why will with would you your`.split(/\s+/),
)

/** Tells the language of a text from its first 20,000 code units. */
export function detectLanguage(text: string): TextLanguage {
  const sample = text.slice(0, sampleLength)
  const han = count(sample, /\p{Script=Han}/gu)
  const kana = count(sample, /[\p{Script=Hiragana}\p{Script=Katakana}]/gu)
  const hangul = count(sample, /\p{Script=Hangul}/gu)
  let words = 0
  let english = 0
  for (const run of letterRuns(sample)) {
    if (run.kind !== 'word') continue
    words += 1
    if (englishFunctionWords.has(sample.slice(run.start, run.end).toLowerCase())) english += 1
  }
  // A word says about as much as one and a half Chinese characters.
  if (han + kana + hangul <= words * 1.5) {
    return { tag: words > 0 && english >= words * englishShare ? 'en' : 'und', writing: 'spaced' }
  }
  if (hangul > han + kana) return { tag: 'ko', writing: 'cjk' }
  return { tag: kana * 10 > han ? 'ja' : 'zh', writing: 'cjk' }
}

/** The language that a caller named, with the writing that its letters show. */
export function namedLanguage(tag: string, text: string): TextLanguage {
  return { tag, writing: detectLanguage(text).writing }
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
