import { chance } from './seed.ts'

const words =
  `river lantern bridge miller harbour winter letter window garden stranger captain orchard evening market shadow silver
  morning candle brother silence thunder meadow village castle journey secret garment kitchen feather whisper ladder`.split(
    /\s+/,
  )
const verbs = 'crossed found carried forgot watched followed opened left remembered kept hid sold'.split(' ')

/** A novel of chapters with three scenes each; the same size makes the same text. */
export function makeBook(chapters: number): string {
  const { between } = chance(20_240)
  const pick = (list: readonly string[]) => list[between(0, list.length - 1)] ?? ''
  const sentence = () =>
    `The ${pick(words)} ${pick(verbs)} the ${pick(words)} by the ${pick(words)}, and the ${pick(words)} ${pick(verbs)} a ${pick(words)}.`
  const paragraph = () => Array.from({ length: between(2, 5) }, sentence).join(' ')
  const scene = (name: string) =>
    [`Scene ${name} begins.`, ...Array.from({ length: between(5, 9) }, paragraph)].join('\n\n')
  const lines = ['The Lantern and the River', '']
  for (let chapter = 1; chapter <= chapters; chapter++) {
    const scenes = ['a', 'b', 'c'].map(part => scene(`${chapter}${part}`))
    lines.push(`Chapter ${chapter}: The ${pick(words)}`, '', scenes.join('\n\n* * *\n\n'), '')
  }
  return lines.join('\n')
}
