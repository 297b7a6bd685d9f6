import { describe, expect, test } from 'vitest'
import { summariseSteps } from '../../src/ai/extractive/extractive.ts'
import { runThrough } from '../../src/runtime/cooperate.ts'
import { hasSanguo, sanguoChapters } from './sanguo.ts'

function pairs(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  for (const run of text.match(/\p{Script=Han}+/gu) ?? []) {
    for (let place = 0; place + 1 < run.length; place += 1) found.add(run.slice(place, place + 2))
  }
  return found
}

describe.skipIf(!hasSanguo)('summaries of a novel of 120 chapters', () => {
  test('tell 14 % of the pairs of characters of the chapter titles in about 150 characters', () => {
    const chapters = sanguoChapters()
    let recall = 0
    let characters = 0
    for (const { title, text } of chapters) {
      const { summary, sentences = [] } = runThrough(summariseSteps({ text }))
      expect(summary).toBe(sentences.map(({ start, end }) => text.slice(start, end)).join(''))
      const wanted = [...pairs(title)]
      const given = pairs(summary)
      recall += wanted.filter(pair => given.has(pair)).length / wanted.length
      characters += summary.length
    }
    expect(chapters).toHaveLength(120)
    expect(recall / chapters.length).toBeGreaterThan(0.14)
    expect(characters / chapters.length).toBeGreaterThan(140)
    expect(characters / chapters.length).toBeLessThan(160)
  })
})
