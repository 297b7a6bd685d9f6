import { describe, expect, it } from 'vitest'
import { detectEncoding } from '../../../src/novel/import/encoding.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText } from '../../../src/novel/import/survey.ts'
import { encode } from './encoders.ts'
import { hanProse, pieces, prose } from './reading.ts'

const simplified = `第一章　渡口\n${hanProse(1)}\n${hanProse(2)}\n第二章　灯\n${hanProse(3)}\n`
const traditional =
  '第一回　話說\n　　話說天下大勢，分久必合，合久必分。周末七國分爭，并入於秦。及秦滅之後，楚、漢分爭，又并入於漢。\n'
const western = 'Il était une fois, à la façon d’un rêve — « déjà » — près de la forêt, où l’été s’achève…\n'

const cases: [string, string, string][] = [
  ['utf-8', 'simplified', simplified],
  ['gb18030', 'simplified', simplified],
  ['utf-16le', 'simplified', simplified],
  ['utf-16be', 'simplified', simplified],
  ['utf-8', 'traditional', traditional],
  ['gb18030', 'traditional', traditional],
  ['big5', 'traditional', traditional],
  ['utf-16le', 'traditional', traditional],
  ['utf-16be', 'traditional', traditional],
  ['utf-8', 'English', prose(1)],
  ['utf-16le', 'English', prose(1)],
  ['utf-16be', 'English', prose(1)],
  ['utf-8', 'French', western],
  ['windows-1252', 'English with quotes', 'He said “no”, and didn’t move — not yet…\n'],
]

describe('detection without a byte order mark', () => {
  it.each(cases)('%s, %s', async (name, _, text) => {
    for (const part of [text, text.repeat(40), Array.from(text).slice(0, 60).join('')]) {
      const found = await detectEncoding(bytesSource(encode(part, name)))
      expect(found).toMatchObject({ name })
    }
    const { confidence } = await detectEncoding(bytesSource(encode(text.repeat(40), name)))
    expect(confidence).toBeGreaterThanOrEqual(0.9)
  })
})

describe('detection', () => {
  it.each([
    ['utf-8', [0xef, 0xbb, 0xbf]],
    ['utf-16le', [0xff, 0xfe]],
    ['utf-16be', [0xfe, 0xff]],
  ])('believes a byte order mark and leaves it out: %s', async (name, mark) => {
    const source = bytesSource(Buffer.concat([Uint8Array.from(mark), encode(simplified, name)]))
    expect(await detectEncoding(source)).toEqual({ name, confidence: 1 })
    const survey = await surveyText(source)
    expect(survey.volumes[0]?.chapters[0]?.title).toBe('第一章　渡口')
  })

  it('takes the encoding that the caller names, and refuses an unknown one', async () => {
    const source = bytesSource(encode(simplified, 'gb18030'))
    expect(await detectEncoding(source, 'GBK')).toEqual({ name: 'gb18030', confidence: 1 })
    await expect(detectEncoding(source, 'klingon')).rejects.toMatchObject({ code: 'ENCODING_UNKNOWN' })
  })

  it('keeps a UTF-8 book with bad bytes as UTF-8, and says where they are', async () => {
    const bytes = encode(simplified.repeat(30), 'utf-8')
    for (const at of [2_000, 4_001, 6_002]) bytes[at] = 0xff
    const survey = await surveyText(bytesSource(bytes))
    expect(survey.encoding.name).toBe('utf-8')
    expect(survey.encoding.confidence).toBeGreaterThan(0.9)
    expect(survey.warnings.map(warning => warning.code)).toContain('BAD_BYTES')
    const bad = survey.warnings.find(warning => warning.code === 'BAD_BYTES')
    expect(bad?.line).toBe(Buffer.from(bytes.subarray(0, 2_000)).toString().split('\n').length)
  })

  it('keeps a GB18030 book with a bad byte as GB18030, damaged in one line only', async () => {
    const bytes = Array.from(encode(simplified.repeat(30), 'gb18030'))
    bytes.splice(1_001, 1)
    const survey = await surveyText(bytesSource(Uint8Array.from(bytes)))
    expect(survey.encoding.name).toBe('gb18030')
    expect(survey.volumes[0]?.chapters.length).toBeGreaterThanOrEqual(58)
  })

  it('does not take a UTF-8 text that is cut within a character for another', async () => {
    for (const cut of [100, 101, 102, 103]) {
      const found = await detectEncoding(bytesSource(encode(simplified, 'utf-8').subarray(0, cut)))
      expect(found.name).toBe('utf-8')
    }
  })

  it('finds the encoding behind a long English opening', async () => {
    const text = prose(1, 5).concat('\n').repeat(600) + simplified.repeat(20)
    for (const name of ['utf-8', 'gb18030']) {
      expect((await detectEncoding(bytesSource(encode(text, name)))).name).toBe(name)
    }
  })

  it('warns when it is not sure', async () => {
    const survey = await surveyText(
      bytesSource(Uint8Array.from([0x41, 0x81, 0x20, 0x9d, 0x20, 0x90, 0x20, 0x8f])),
    )
    expect(survey.warnings.map(warning => warning.code)).toContain('LOW_ENCODING_CONFIDENCE')
  })

  it('reads an empty source', async () => {
    const survey = await surveyText(bytesSource(new Uint8Array(0), 'nothing-here.txt'))
    expect(survey).toMatchObject({ title: 'nothing here', volumes: [] })
    expect(survey.warnings.map(warning => warning.code)).toEqual(['EMPTY_TEXT'])
    expect(await pieces('')).toEqual([])
  })
})
