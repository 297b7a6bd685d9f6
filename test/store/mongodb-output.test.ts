/** Output in MongoDB is fenced without a transaction: what an attempt sends late is not read. */

import { createGate } from 'quillwork/testing'
import { afterEach, expect, it } from 'vitest'
import type { StoreFaults } from '../../src/store/mongodb/failures.ts'
import { givenBack } from '../../src/task/transition.ts'
import { move, start, startNew } from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

const fromStart = { attempt: 0, sequence: 0 }

describeWithMongo('a piece of output that is on its way', () => {
  let context: MongoContext | undefined
  let goOn: (() => void) | undefined
  afterEach(() => {
    // A store closes only when nothing of it is held.
    goOn?.()
    return context?.end()
  })

  /** Holds the first operation of a kind until it is let go. */
  function holding(operation: string) {
    const held = createGate()
    const toGoOn = createGate()
    let isFirst = true
    const faults: StoreFaults = {
      before(each) {
        if (each !== operation || !isFirst) return
        isFirst = false
        held.open()
        return toGoOn.opened
      },
    }
    goOn = toGoOn.open
    return { faults, held: held.opened }
  }

  it('when its attempt loses the task is refused, if it was not allowed before', async () => {
    const { faults, held } = holding('output')
    context = new MongoContext(faults)
    const store = await context.makeStore()
    const first = await startNew(store)
    const late = store.output.append([{ taskId: first.id, attempt: 1, sequence: 1, text: 'late' }])
    await held
    await start(store, await move(store, givenBack(first)))
    goOn?.()
    expect(await late).toEqual(['stale'])
    expect(await store.output.read(first.id, fromStart, 10)).toEqual({ attempt: 0, pieces: [] })
  })

  it('when a later attempt writes is never read, and leaves what that one wrote', async () => {
    const { faults, held } = holding('output pieces')
    context = new MongoContext(faults)
    const [slow, other] = await context.makeStores(2)
    const first = await startNew(slow)
    const piece = { taskId: first.id, sequence: 1 }
    const late = slow.output.append([{ ...piece, attempt: 1, text: 'late' }])
    await held
    // Allowed, and not written: whoever reads waits for it.
    expect(await other.output.read(first.id, fromStart, 10)).toEqual({ attempt: 1, pieces: [] })
    await start(other, await move(other, givenBack(first)))
    expect(await other.output.append([{ ...piece, attempt: 2, text: 'new' }])).toEqual(['applied'])
    goOn?.()
    await late
    const pieces = [{ sequence: 1, text: 'new' }]
    expect(await slow.output.read(first.id, fromStart, 10)).toEqual({ attempt: 2, pieces })
    expect(await slow.output.read(first.id, { attempt: 1, sequence: 0 }, 10)).toEqual({ attempt: 2, pieces })
  })

  it('holds back what was written behind it until it is there', async () => {
    const { faults, held } = holding('output pieces')
    context = new MongoContext(faults)
    const [slow, other] = await context.makeStores(2)
    const { id: taskId } = await startNew(slow)
    const piece = { taskId, attempt: 1 }
    const first = slow.output.append([{ ...piece, sequence: 1, text: 'one ' }])
    await held
    expect(await other.output.append([{ ...piece, sequence: 2, text: 'two' }])).toEqual(['applied'])
    expect(await other.output.read(taskId, fromStart, 10)).toEqual({ attempt: 1, pieces: [] })
    goOn?.()
    await first
    const { pieces } = await other.output.read(taskId, fromStart, 10)
    expect(pieces.map(({ text }) => text)).toEqual(['one ', 'two'])
  })
})
