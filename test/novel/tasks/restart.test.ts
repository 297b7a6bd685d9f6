import fc from 'fast-check'
import { confirmUpload, importNovel } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { sizeOf } from '../../size.ts'
import { ann, bookOf, novelEngine, scriptedModel } from './novel-engine.ts'
import { type End, points, Stops } from './stops.ts'

const book = bookOf([
  ['Volume One', 3],
  ['Volume Two', 3],
])

it('an import that is cut off anywhere goes on: the same novel, every scene summarised once', async () => {
  const undisturbed = await importWith([])
  const end = fc.record<End>({
    point: fc.constantFrom(...points.filter(point => point !== 'writeLevel')),
    nth: fc.integer({ min: 1, max: 4 }),
    before: fc.boolean(),
    how: fc.constantFrom('crash', 'restart'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(end, { minLength: 1, maxLength: 3 }), async ends => {
      const seen = await importWith(ends)
      expect(seen).toEqual(undisturbed)
    }),
    { numRuns: sizeOf(6, 15) },
  )
}, 120_000)

/** Imports the book while the process ends as told, and answers everything that can be seen of it. */
async function importWith(ends: readonly End[]) {
  const model = scriptedModel()
  const stops = new Stops()
  model.before = () => stops.pass('summarise', true)
  await using n = await novelEngine({
    model,
    persistent: true,
    slots: 3,
    faults: library => stops.watch(library),
  })
  const { id: uploadId } = await n.upload(book)
  const { taskId, novelId } = await confirmUpload(n.t, n.services, { userId: ann, uploadId })
  for (const end of ends) {
    stops.next(end)
    await n.t.drain()
    // A process that did not come to that point has ended its work before.
    stops.next(undefined)
    await n.t[end.how ?? 'crash']()
  }
  await n.t.advance('1h')
  const task = await n.t.find(importNovel, taskId)
  const state = await task?.state()
  expect(state?.status).toBe('COMPLETED')
  const scenes = await n.scenes(novelId)
  const calls = new Map<string, number>()
  for (const text of model.made) calls.set(text, (calls.get(text) ?? 0) + 1)
  const histories = await Promise.all(
    scenes.map(async scene => (await n.library.scenes.history(ann, scene.id, { pageSize: 5 })).items.length),
  )
  const { hits } = await n.library.index.search(ann, novelId, { query: 'scene 7 lantern', limit: 1 })
  return {
    result: { ...state?.result, novelId: undefined },
    texts: scenes.map(({ content, summary, version }) => ({ content, summary, version })),
    calls: [...calls.values()],
    overwritten: histories.reduce((sum, length) => sum + length, 0),
    found: hits[0]?.snippet.text,
    open: (await n.t.tasks.list({ status: ['QUEUED', 'RUNNING', 'RETRYING'] }, { pageSize: 5 })).items.length,
  }
}
