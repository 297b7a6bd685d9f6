import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readChapters } from '../../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText, type TextSurvey } from '../../../src/novel/import/survey.ts'
import { cpuSince } from '../../cpu-since.ts'
import { encode, has } from './encoders.ts'

const folder = new URL('../../../../shared/data/', import.meta.url)
const present = existsSync(fileURLToPath(folder))
if (!present) process.stderr.write(`SKIPPED: the real books are not at ${folder.pathname}\n`)

const read = (name: string) => readFileSync(fileURLToPath(new URL(name, folder)), 'utf8')
const titles = (survey: TextSurvey) =>
  survey.volumes.flatMap(volume => volume.chapters.map(chapter => chapter.title))

describe.skipIf(!present)('real books', () => {
  it('finds the 12 chapters of Alice, whose titles stand on the next line', async () => {
    const survey = await surveyText(
      bytesSource(encode(read('alice-in-wonderland.txt'), 'utf-8'), 'alice.txt'),
    )
    expect(survey).toMatchObject({
      title: "ALICE'S ADVENTURES IN WONDERLAND",
      author: 'Lewis Carroll',
      warnings: [],
    })
    expect(titles(survey)).toHaveLength(12)
    expect(titles(survey)[0]).toBe('CHAPTER I: Down the Rabbit-Hole')
    expect(titles(survey)[11]).toBe("CHAPTER XII: Alice's Evidence")
  })

  it('finds the 61 chapters of Pride and Prejudice', async () => {
    const survey = await surveyText(bytesSource(encode(read('pride-and-prejudice.txt'), 'utf-8'), 'p.txt'))
    expect(survey).toMatchObject({ title: 'PRIDE AND PREJUDICE', author: 'Jane Austen', warnings: [] })
    expect(titles(survey)).toEqual(Array.from({ length: 61 }, (_, i) => `Chapter ${i + 1}`))
  })

  describe.each(['utf-8', 'gb18030', 'utf-16le', 'utf-16be', 'big5'])('三国演义 as %s', encoding => {
    it('finds 120 chapters, quickly', async () => {
      const text = read('sanguo-yanyi.txt')
      const source = bytesSource(encode(text, encoding), 'sanguo-yanyi.txt')
      const cpu = cpuSince()
      const survey = await surveyText(source)
      let scenes = 0
      for await (const piece of readChapters(source, survey)) scenes += piece.kind === 'scene' ? 1 : 0
      expect(cpu()).toBeLessThan(3_000)
      expect(survey).toMatchObject({ title: 'sanguo yanyi', encoding: { name: encoding }, warnings: [] })
      expect(survey.encoding.confidence).toBeGreaterThan(0.9)
      expect(titles(survey)).toHaveLength(120)
      const first = Array.from('第一回 宴桃园豪杰三结义　斩黄巾英雄首立功')
      const kept = (c: string) => (encoding === 'big5' && !has(c, 'big5') ? '□' : c)
      expect(titles(survey)[0]).toBe(first.map(kept).join(''))
      expect(scenes).toBe(120)
    })
  })
})
