import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import type { SceneWritten } from '../../../src/novel/library/scenes.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { ann, importBook, type LibraryUnderTest, proposalOf } from './case.ts'
import { MongoUnderTest, SqliteUnderTest } from './under-test.ts'

/** A write by somebody who read the scene `lag` changes ago. */
const write = fc.record({
  part: fc.constantFrom('text', 'machine text', 'title', 'summary', 'machine summary'),
  lag: fc.nat({ max: 3 }),
})

const promise =
  'no write that is applied overwrites what its writer has not seen, and all that is overwritten or refused is kept'

test(`${promise}, on SQLite`, async () => {
  await using under = new SqliteUnderTest()
  await checkWrites(under, 60)
})

describeWithMongo('scenes on MongoDB', () => {
  test(promise, async () => {
    await using under = await MongoUnderTest.open()
    await checkWrites(under, 12)
  })
})

type Part = 'text' | 'machine text' | 'title' | 'summary' | 'machine summary'

type Stores = Pick<NovelLibrary, 'scenes' | 'candidates'>

interface Writing {
  part: Part
  sceneId: string
  expectedVersion: number
  value: string
}

async function apply(
  { scenes, candidates }: Stores,
  writing: Writing,
): Promise<{ outcome: SceneWritten['outcome'] }> {
  const { part, sceneId, expectedVersion, value } = writing
  const scene = { sceneId, expectedVersion }
  const writer = { taskId: `task of ${value}`, attempt: 1 }
  const method = 'generative'
  if (part === 'machine summary') return scenes.writeSummary({ ...scene, summary: value, method, writer })
  if (part === 'machine text') {
    const status = await candidates.propose(proposalOf({ ...scene, content: value, writer }))
    return { outcome: status === 'accepted' ? 'applied' : 'conflict' }
  }
  const field = { text: 'content', title: 'title', summary: 'summary' }[part]
  return scenes.editScene(ann, { ...scene, [field]: value })
}

const isMachine = (part: Part) => part.startsWith('machine')
const fieldOf = (part: Part) => part.replace('machine ', '') as 'text' | 'title' | 'summary'

/** Each run has a novel of its own. */
async function checkWrites({ library }: LibraryUnderTest, numRuns: number): Promise<void> {
  const { scenes, candidates } = library
  let novels = 0
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 18 }), async writes => {
      const sceneId = sceneIdOf(await importBook(library, `${novels++}`), 0, 0)
      const changed = { text: 1, title: 1, summary: 0 }
      const kept: string[] = []
      const open: string[] = []
      const done: { writing: Writing; outcome: SceneWritten['outcome'] }[] = []
      for (const [number, { part, lag }] of writes.entries()) {
        const before = await scenes.scene(ann, sceneId)
        const expectedVersion = Math.max(1, before.version - lag)
        const writing = { part, sceneId, expectedVersion, value: `${part} ${number}` }
        const { outcome } = await apply(library, writing)
        if (isMachine(part)) done.push({ writing, outcome })
        const field = fieldOf(part)
        const seen = field === 'summary' ? Math.max(changed.text, changed.summary) : changed[field]
        expect(outcome).toBe(expectedVersion >= seen ? 'applied' : 'conflict')
        if (outcome !== 'applied') {
          if (isMachine(part)) (field === 'text' ? open : kept).push(writing.value)
          const waiting = open.length === 0 ? {} : { openCandidates: open.length }
          expect(await scenes.scene(ann, sceneId)).toEqual({ ...before, ...waiting })
          continue
        }
        changed[field] = before.version + 1
        if (field === 'text') kept.push(before.content)
        if (field === 'summary' && before.summary !== undefined) kept.push(before.summary.text)
      }
      const after = await scenes.scene(ann, sceneId)
      expect(after).toMatchObject({ textVersion: changed.text, summaryVersion: changed.summary })
      const history = (await scenes.history(ann, sceneId, { pageSize: 100 })).items
      expect(history.map(entry => entry.text).reverse()).toEqual(kept)
      const waiting = { sceneId, status: ['open'] as const }
      const { items } = await candidates.candidates(ann, waiting, { pageSize: 100 })
      expect(items.map(({ text }) => text).reverse()).toEqual(open)
      await checkRepetition(library, done)
      expect(await scenes.scene(ann, sceneId)).toEqual(after)
      expect((await scenes.history(ann, sceneId, { pageSize: 100 })).items).toEqual(history)
    }),
    { numRuns },
  )
}

/** What a task writes again ends as it did, however much happened since. */
async function checkRepetition(
  library: Stores,
  done: readonly { writing: Writing; outcome: SceneWritten['outcome'] }[],
): Promise<void> {
  for (const { writing, outcome } of done) {
    expect(await apply(library, writing)).toMatchObject({ outcome })
  }
}
