import { vectorize } from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { describe, expect, it } from 'vitest'
import { ann, bookOf, novelEngine } from './novel-engine.ts'

/** About 160,000 code units: three segments. */
const longBook = bookOf([['Volume One', 600]])

describe('Vectorize', () => {
  it('builds an index in segments and says of what kind it is', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(longBook)
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ novelId, index: 'lexical', superseded: false })
    expect(result.segments).toBeGreaterThan(1)
    expect(result.passages).toBeGreaterThanOrEqual(1_200)
    expect(await n.library.index.state(ann, novelId)).toMatchObject({
      kind: 'lexical',
      building: false,
      passages: result.passages,
      outOfDateScenes: 0,
    })
    const { hits } = await n.library.index.search(ann, novelId, { query: 'scene 1177 lantern', limit: 1 })
    expect(hits[0]?.snippet.text).toContain('Scene 1177')
    expect((await n.t.tasks.get(task.taskId)).progress).toBe(JSON.stringify({ done: 1_200, total: 1_200 }))
  })

  it('goes on after a crash with the segment that was missing', async () => {
    const gate = createGate<never>()
    const written: number[] = []
    let hanging = false
    await using n = await novelEngine({
      persistent: true,
      faults: ({ index }) => ({
        index: {
          ...index,
          async put(build, segment) {
            if (hanging && segment.number === 2) return gate.opened
            written.push(segment.number)
            return index.put(build, segment)
          },
        },
      }),
    })
    const novelId = await n.importText(longBook)
    const whole = [...written]
    written.length = 0
    hanging = true
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    expect(written).toEqual([0, 1])
    hanging = false
    await n.t.crash()
    await n.t.drain()
    expect(await n.t.tasks.get(task.taskId)).toMatchObject({ status: 'COMPLETED', attempt: 2 })
    expect(written).toEqual(whole)
    const found = await n.t.find(vectorize, task.taskId)
    expect(await found?.result()).toMatchObject({ segments: whole.length, superseded: false })
    const { hits } = await n.library.index.search(ann, novelId, { query: 'scene 3 lantern', limit: 1 })
    expect(hits[0]?.snippet.text).toContain('Scene 3 ')
  })

  it('leaves the index to a task that began later', async () => {
    const gate = createGate()
    let hanging = false
    await using n = await novelEngine({
      faults: ({ index }) => ({
        index: {
          ...index,
          async put(build, segment) {
            if (hanging) await gate.opened
            return index.put(build, segment)
          },
        },
      }),
    })
    const novelId = await n.importText(longBook)
    hanging = true
    const early = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    const late = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    gate.open()
    await n.t.drain()
    expect(await early.result()).toMatchObject({ superseded: true, index: 'lexical' })
    expect(await late.result()).toMatchObject({ superseded: false, index: 'lexical' })
    expect(await n.library.index.state(ann, novelId)).toMatchObject({ building: false, outOfDateScenes: 0 })
  })

  it('stops when it is cancelled; the index that was there goes on answering', async () => {
    const gate = createGate()
    let hanging = false
    await using n = await novelEngine({
      faults: ({ index }) => ({
        index: {
          ...index,
          async put(build, segment) {
            if (hanging && segment.number === 1) await gate.opened
            return index.put(build, segment)
          },
        },
      }),
    })
    const novelId = await n.importText(longBook)
    hanging = true
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    await n.t.tasks.cancel(task.taskId)
    gate.open()
    await n.t.drain()
    expect((await n.t.tasks.get(task.taskId)).status).toBe('CANCELLED')
    expect((await n.library.index.search(ann, novelId, { query: 'lantern' })).index).toBe('lexical')
  })

  it('begins anew when it is retried after another task has built the index', async () => {
    const gate = createGate()
    let hanging = false
    await using n = await novelEngine({
      faults: ({ index }) => ({
        index: {
          ...index,
          async put(build, segment) {
            if (hanging && segment.number === 1) await gate.opened
            return index.put(build, segment)
          },
        },
      }),
    })
    const novelId = await n.importText(longBook)
    hanging = true
    const early = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    hanging = false
    await n.t.tasks.cancel(early.taskId)
    const late = await n.t.submit(vectorize, { novelId }, { userId: ann })
    // The early one ignores its signal for so long that it is ended without it.
    await n.t.advance('11s')
    gate.open()
    await n.t.tasks.retry(early.taskId)
    await n.t.drain()
    expect(await early.result()).toEqual(await late.result())
    const { hits } = await n.library.index.search(ann, novelId, { query: 'scene 3 lantern', limit: 1 })
    expect(hits[0]?.snippet.text).toContain('Scene 3 ')
  })

  it("fails for good on another user's novel", async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(bookOf([['Volume One', 1]]))
    const task = await n.t.submit(vectorize, { novelId }, { userId: 'bob' })
    await n.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'NOVEL_NOT_FOUND' } })
  })
})
