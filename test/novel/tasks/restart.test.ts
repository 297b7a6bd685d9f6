import fc from 'fast-check'
import { confirmUpload, importNovel } from 'quillwork/novel'
import { createGate, type Gate } from 'quillwork/testing'
import { expect, it } from 'vitest'
import type { NovelLibrary } from '../../../src/novel/library/library.ts'
import { sizeOf } from '../../size.ts'
import { ann, bookOf, novelEngine, scriptedModel } from './novel-engine.ts'

const book = bookOf([
  ['Volume One', 3],
  ['Volume Two', 3],
])

/** The writes of an import, in whose midst a process may end. */
const points = ['create', 'write', 'publish', 'summarise', 'writeSummary', 'begin', 'put', 'finish'] as const
type Point = (typeof points)[number]

/** Where a process ends: at the n-th passing of a point, before the write or after it. */
interface End {
  point: Point
  nth: number
  before: boolean
  how: 'crash' | 'restart'
}

it('an import that is cut off anywhere goes on: the same novel, every scene summarised once', async () => {
  const undisturbed = await importWith([])
  const end = fc.record<End>({
    point: fc.constantFrom(...points),
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
    await n.t[end.how]()
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

/** Holds whoever passes a point for the n-th time, for good, as the end of a process does. */
class Stops {
  #end: End | undefined
  #left = 0
  #gate: Gate<never> = createGate<never>()

  next(end: End | undefined): void {
    this.#end = end
    this.#left = end?.nth ?? 0
    this.#gate = createGate<never>()
  }

  async pass(point: Point, before: boolean): Promise<void> {
    if (this.#end?.point !== point || this.#end.before !== before) return
    if (--this.#left <= 0) await this.#gate.opened
  }

  watch({ drafts, scenes, index }: NovelLibrary): Partial<NovelLibrary> {
    const watched =
      <A extends unknown[], R>(point: Point, call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await this.pass(point, true)
        const answer = await call(...args)
        await this.pass(point, false)
        return answer
      }
    return {
      drafts: {
        ...drafts,
        create: watched('create', drafts.create),
        write: watched('write', drafts.write),
        publish: watched('publish', drafts.publish),
      },
      scenes: { ...scenes, writeSummary: watched('writeSummary', scenes.writeSummary) },
      index: {
        ...index,
        begin: watched('begin', index.begin),
        put: watched('put', index.put),
        finish: watched('finish', index.finish),
      },
    }
  }
}
