import { describe, expect, test } from 'vitest'
import { splitPassages } from '../../../src/novel/search/passages.ts'
import { type IndexSegment, memoryPostings } from '../../../src/novel/search/postings.ts'
import { searchIndex } from '../../../src/novel/search/search.ts'
import { buildSegment } from '../../../src/novel/search/segment.ts'
import { hasSanguo, sanguoChapters } from '../../ai/sanguo.ts'
import queries from './sanguo-queries.json' with { type: 'json' }

async function indexOf(chapters: readonly { text: string }[]) {
  const segments: IndexSegment[] = []
  const chapterOf: number[] = []
  for (const [place, { text }] of chapters.entries()) {
    const passages = [...splitPassages(text)].map(({ start, end }) => {
      chapterOf.push(place + 1)
      return { id: chapterOf.length - 1, text: text.slice(start, end) }
    })
    segments.push(await buildSegment(passages))
  }
  return { store: memoryPostings(segments), chapterOf }
}

describe.skipIf(!hasSanguo)('search in a novel of 120 chapters', () => {
  test('finds at least 11 of 12 events among its first five passages, and every name of two characters', async () => {
    const { store, chapterOf } = await indexOf(sanguoChapters())
    const missed: string[] = []
    for (const { query, chapters } of queries) {
      const { hits } = await searchIndex(store, query, { limit: 5 })
      if (!hits.some(hit => chapters.includes(chapterOf[hit.passageId] ?? 0))) missed.push(query)
    }
    expect(queries).toHaveLength(12)
    expect(missed.length).toBeLessThanOrEqual(1)
    for (const name of ['关公', '桃园', '玄德', '曹操']) {
      const [hit] = (await searchIndex(store, name, { limit: 1 })).hits
      expect(hit?.terms).toContain(name)
    }
  })
})
