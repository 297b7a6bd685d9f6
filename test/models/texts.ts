import { createHash } from 'node:crypto'

/** What a scripted model writes and how it counts: the same for equal prompts, in any process. */

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

const english =
  'the miller crossed an old bridge while rain fell upon quiet fields and nobody spoke of that letter again'.split(
    ' ',
  )
const chinese = [
  '河水',
  '渐渐',
  '平静',
  '老人',
  '提着',
  '灯笼',
  '走过',
  '石桥',
  '夜色',
  '很深',
  '他们',
  '没有',
  '回头',
]

/** Words of a sentence. */
const sentenceWords = 8
/** A model that is asked for a length stays a little below it. */
const share = 0.95

/** How many sentences a prompt asks for; 4 where it names no length. */
function sentencesFor(prompt: string): number {
  const wish = /^- (?:Length|篇幅)[^\n]*?(?:about |约)(\d+)/mu.exec(prompt)?.[1]
  if (wish === undefined) return 4
  const isInWords = /^- Length[^\n]* words\./mu.test(prompt)
  const each = isInWords ? sentenceWords : prompt.includes('\n- Length') ? 40 : sentenceWords * 2 + 1
  return Math.max(1, Math.round((Number(wish) * share - (isInWords ? 1 : 20)) / each))
}

/**
 * A text of as many sentences as the prompt asks for, none like another; the last one is the hash of its prompt: whoever finds it knows where
 * it comes from.
 */
export function textFor(prompt: string, sentences = sentencesFor(prompt)): string {
  const next = numbersFrom(createHash('sha256').update(prompt).digest().readUInt32BE(0))
  const isChinese = /\p{Script=Han}/u.test(prompt)
  const words = isChinese ? chinese : english
  const made: string[] = []
  for (let sentence = 0; sentence < sentences; sentence++) {
    const picked = Array.from({ length: sentenceWords }, () => words[next() % words.length] ?? '')
    made.push(isChinese ? `${picked.join('')}。` : `${picked.join(' ')}.`)
  }
  return `${made.join(isChinese ? '' : ' ')}${isChinese ? '' : ' '}[${hashOf(prompt)}].`
}

/** Numbers that follow from a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

/** Tokens as the server counts them: one for a Chinese character, one for four others. */
export function tokensOf(text: string): number {
  return Math.ceil(quartersOf(text) / 4)
}

/** Quarters of tokens: what texts have together is the sum of what each has. */
export function quartersOf(text: string): number {
  let quarters = 0
  for (const character of text) quarters += character > '⺀' ? 4 : 1
  return quarters
}

/** The stretches in which a text is streamed; joined they are the text. */
export function stretchesOf(text: string): readonly string[] {
  const points = [...text]
  const stretches: string[] = []
  const characters = 12
  for (let at = 0; at < points.length; at += characters)
    stretches.push(points.slice(at, at + characters).join(''))
  return stretches
}

/** A vector of length 1 derived from a text. */
export function vectorFor(text: string, dimensions: number): readonly number[] {
  const values = Array.from({ length: dimensions }, (_, at) => {
    const digest = createHash('sha256').update(`${at} ${text}`).digest()
    return digest.readInt32BE(0) / 2 ** 31
  })
  const length = Math.hypot(...values) || 1
  return values.map(value => value / length)
}
