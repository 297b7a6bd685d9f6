import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { historyLength } from '../../../src/novel/library/scenes.ts'
import { describeWithMongo } from '../../servers/mongo.ts'
import { ann, importBook, type LibraryUnderTest } from './case.ts'
import { MongoUnderTest, SqliteUnderTest } from './under-test.ts'

/** A write by somebody who read the scene `lag` changes ago. */
const write = fc.record({
  part: fc.constantFrom('text', 'title', 'summary', 'machine summary'),
  lag: fc.nat({ max: 3 }),
})

const promise =
  'no write that is applied overwrites what its writer has not seen, and all that is overwritten is kept'

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

/** Each run has a novel of its own. */
async function checkWrites({ library }: LibraryUnderTest, numRuns: number): Promise<void> {
  const { scenes } = library
  let novels = 0
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 18 }), async writes => {
      const sceneId = sceneIdOf(await importBook(library, `${novels++}`), 0, 0)
      const changed = { text: 1, title: 1, summary: 0 }
      const gone: string[] = []
      for (const [number, { part, lag }] of writes.entries()) {
        const before = await scenes.scene(ann, sceneId)
        const expectedVersion = Math.max(1, before.version - lag)
        const value = `${part} ${number}`
        const isSummary = part === 'summary' || part === 'machine summary'
        const { outcome } =
          part === 'machine summary'
            ? await scenes.writeSummary({
                sceneId,
                expectedVersion,
                summary: value,
                method: 'generative',
                writer: { taskId: `task ${number}`, attempt: 1 },
              })
            : await scenes.editScene(ann, {
                sceneId,
                expectedVersion,
                ...(part === 'text'
                  ? { content: value }
                  : part === 'title'
                    ? { title: value }
                    : { summary: value }),
              })
        const seen = isSummary ? Math.max(changed.text, changed.summary) : changed[part]
        expect(outcome).toBe(expectedVersion >= seen ? 'applied' : 'conflict')
        if (outcome !== 'applied') {
          expect(await scenes.scene(ann, sceneId)).toEqual(before)
          continue
        }
        changed[isSummary ? 'summary' : part] = before.version + 1
        if (part === 'text') gone.push(before.content)
        if (isSummary && before.summary !== undefined) gone.push(before.summary.text)
      }
      const after = await scenes.scene(ann, sceneId)
      expect(after).toMatchObject({ textVersion: changed.text, summaryVersion: changed.summary })
      const { items } = await scenes.history(ann, sceneId, { pageSize: 4 * historyLength })
      expect(items.map(entry => entry.text).reverse()).toEqual(gone)
    }),
    { numRuns },
  )
}
