import { expect, it } from 'vitest'
import { subTaskId } from '../../src/task/id.ts'
import { completed } from '../../src/task/transition.ts'
import {
  atRest,
  claimOf,
  createAll,
  dueIds,
  dueIn,
  ids,
  startNew,
  subTaskOf,
} from '../../src/testing/store-case.ts'
import { describeWithMongo } from '../servers/mongo.ts'
import { MongoContext } from './mongodb-context.ts'

describeWithMongo('a sub-task that its parent has not counted', () => {
  it('stands in no line, neither when it comes to be nor when its time has come', async () => {
    let isCounted = true
    const context = new MongoContext({
      before(operation) {
        if (!isCounted && operation === 'read sub-tasks that moved') throw new Error('nobody counts')
      },
    })
    try {
      const [one, two] = await context.makeStores(2)
      const parent = await startNew(one)
      isCounted = false
      const children = await createAll(one, [
        subTaskOf(parent, 'now'),
        subTaskOf(parent, 'later', { delay: 500 }),
      ])
      context.advance(1_500)
      // The look for parents fails; the one for tasks that may be sent has been made by then.
      for (const store of [one, two]) await dueIn(store).catch(() => undefined)
      await expect
        .poll(async () => (await context.document(ids(children)[1] ?? ''))?.['tellAt'])
        .toBe(undefined)
      for (const id of ids(children)) {
        const { ready, sent } = (await context.document(id)) ?? {}
        expect([ready, sent]).toEqual([undefined, undefined])
      }
      isCounted = true
      context.advance(2_000)
      await atRest(two)
      expect((await dueIds(two)).sort()).toEqual(ids(children).sort())
    } finally {
      await context.end()
    }
  })
})

describeWithMongo('a sub-task that waits for a sibling', () => {
  it.each(['mark what waited for a sibling', 'aggregate sub-tasks', 'finish an aggregation'])(
    'is found by another process when the one that saw the end dies before it could "%s"',
    async broken => {
      let isBroken = false
      const context = new MongoContext({
        before(operation) {
          if (isBroken && operation === broken) throw new Error('it is gone')
        },
      })
      try {
        const [one, two] = await context.makeStores(2)
        const parent = await startNew(one)
        const named = (key: string, ...keys: string[]) =>
          subTaskOf(parent, key, {
            id: subTaskId(parent.id, key),
            ...(keys.length === 0 ? {} : { after: { keys, startWhen: 'completed' } }),
          })
        const [first, second] = await createAll(one, [named('first'), named('second', 'first')])
        const [running] = await one.tasks.claim([claimOf(first)])
        if (running === undefined) throw new Error('the claim was refused')
        isBroken = true
        await one.tasks.apply([completed(running, '1', context.now)])
        await one.outbox.pendingParents(10).catch(() => undefined)
        isBroken = false
        context.advance(2_000)
        await expect.poll(() => two.outbox.pendingParents(10)).toEqual([second.id])
      } finally {
        await context.end()
      }
    },
  )
})
