import { describe, expect, it } from 'vitest'
import { createDecoder } from '../../../src/novel/import/decoder.ts'
import { detectEncoding, LOW_CONFIDENCE } from '../../../src/novel/import/encoding.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { encode } from './encoders.ts'
import { type Language, passages, withPlainSigns } from './languages.ts'
import { read } from './reading.ts'

/** The languages that are written in an encoding, and whether it lacks typographic signs. */
const encodings: readonly { encoding: string; languages: readonly Language[]; isPlain?: true }[] = [
  { encoding: 'euc-jp', languages: ['japanese'] },
  { encoding: 'shift_jis', languages: ['japanese'] },
  { encoding: 'gb18030', languages: ['chinese', 'traditional', 'japanese'] },
  { encoding: 'big5', languages: ['traditional'] },
  { encoding: 'euc-kr', languages: ['korean'] },
  { encoding: 'koi8-r', languages: ['russian'], isPlain: true },
  { encoding: 'windows-1251', languages: ['russian', 'ukrainian'] },
  { encoding: 'windows-1250', languages: ['polish', 'czech', 'slovak', 'hungarian', 'romanian', 'croatian'] },
  {
    encoding: 'iso-8859-2',
    languages: ['polish', 'czech', 'slovak', 'hungarian', 'romanian', 'croatian'],
    isPlain: true,
  },
  {
    encoding: 'windows-1252',
    languages: [
      ...(['english', 'french', 'german', 'spanish', 'italian', 'portuguese', 'swedish', 'danish'] as const),
      'finnish',
    ],
  },
]
const rows = encodings.flatMap(({ languages, ...rest }) => languages.map(language => ({ language, ...rest })))

function bytesOf(language: Language, encoding: string, length: number, isPlain = false): Uint8Array {
  const text = isPlain ? withPlainSigns(passages[language]) : passages[language]
  return encode(`${text}\n`.repeat(Math.ceil(length / text.length)), encoding).subarray(0, length)
}

const decoded = (bytes: Uint8Array, encoding: string) => createDecoder(encoding).decode(bytes)

describe('a text of a language in an encoding', () => {
  it.each([2_000, 3_000, 8_000, 60_000])(
    'is read right and without a warning from %i bytes on',
    async length => {
      const confusions: string[] = []
      for (const { language, encoding, isPlain } of rows) {
        const bytes = bytesOf(language, encoding, length, isPlain)
        const { name, confidence } = await detectEncoding(bytesSource(bytes))
        // Hungarian has the same bytes in both encodings of Central Europe, and English with quotes in all Latin ones.
        const isRight = decoded(bytes, name) === decoded(bytes, encoding)
        if (!isRight || confidence < LOW_CONFIDENCE)
          confusions.push(`${language} in ${encoding} is read as ${name}, ${confidence}`)
      }
      expect(confusions).toEqual([])
    },
  )

  it.each(rows)('is known with confidence at 8,000 bytes: $language in $encoding', async row => {
    const { confidence } = await detectEncoding(
      bytesSource(bytesOf(row.language, row.encoding, 8_000, row.isPlain)),
    )
    expect(confidence).toBeGreaterThanOrEqual(0.7)
  })

  it('is still known behind a long English opening', async () => {
    const opening = Buffer.from(`${withPlainSigns(passages.english)}\n`.repeat(150))
    for (const { language, encoding, isPlain } of rows) {
      const text = Buffer.concat([opening, bytesOf(language, encoding, 8_000, isPlain)])
      const { name } = await detectEncoding(bytesSource(text))
      expect(`${language}: ${decoded(text, name) === decoded(text, encoding)}`).toBe(`${language}: true`)
    }
  })
})

describe('a text that two encodings may read', () => {
  it.each([
    ['one letter that decides', 'Czy to był on, tego nikt nie wie.', 'windows-1250'],
    ['letters of KOI8-U that KOI8-R lacks', passages.ukrainian, 'koi8-u'],
  ])('has a warning: %s', async (_, text, encoding) => {
    const { survey } = await read(encode(text, encoding))
    expect(survey.encoding.confidence).toBeLessThan(LOW_CONFIDENCE)
    expect(survey.warnings.map(({ code }) => code)).toContain('LOW_ENCODING_CONFIDENCE')
  })

  it('is read as Western where two letters beyond ASCII stand together in a word', async () => {
    const text = 'A situação, as estações e as orações. '
    for (const count of [1, 20])
      expect((await detectEncoding(bytesSource(encode(text.repeat(count), 'windows-1252')))).name).toBe(
        'windows-1252',
      )
  })

  it('is read as Western where few letters are beyond ASCII, as before', async () => {
    const text = `${withPlainSigns(passages.english)} “Déjà vu”, he said, at the café.\n`.repeat(9)
    const found = await detectEncoding(bytesSource(encode(text, 'windows-1252')))
    expect(found).toEqual({ name: 'windows-1252', confidence: 0.99 })
  })
})
