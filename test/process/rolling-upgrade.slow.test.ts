import { beforeAll, describe, expect, it } from 'vitest'
import { mongodb } from '../../src/store/mongodb/index.ts'
import { everyItem } from '../../src/task/page.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { freshDatabase } from '../servers/mongo.ts'
import { freshPrefix } from '../servers/rabbit.ts'
import { until } from '../servers/until.ts'
import { type Running, repository, requireBuilt, start } from './cli/quillwork.ts'
import { describeDistributed } from './distributed/installation.ts'
import { buildOf, hasCommit } from './earlier-build.ts'

/** The build that runs before the upgrade. */
const earlier = '739a35e'

beforeAll(requireBuilt, 240_000)

describe.skipIf(!hasCommit(earlier))('an upgrade process by process, from an earlier build', () => {
  describeDistributed('with tasks that run', () => {
    it('loses no task, fails none and spends no retry, whichever build submits and runs it', {
      timeout: 300_000,
    }, async () => {
      using before = buildOf(earlier)
      const database = freshDatabase()
      const names = freshPrefix([])
      const env = { STORE_URL: database.url, BROKER_URL: names.url, BROKER_PREFIX: names.prefix }
      const running: Running[] = []
      const begin = async (name: 'old' | 'new', roles: string) => {
        const args = [name === 'old' ? before.folder : repository, name, roles]
        const process = start(args, { env, script: 'test/process/crash/run-upgrade.mjs', takesInput: true })
        running.push(process)
        await process.says(/^ready$/m)
        return process
      }
      const submit = async (client: Running, type: string, count: number) => {
        client.child.stdin?.write(`${type} ${count}\n`)
        await client.says(new RegExp(`^stored ${type}$`, 'm'))
      }
      const end = async ({ child, ended }: Running) => {
        child.kill('SIGTERM')
        expect((await ended).code).toBe(0)
      }
      const store = mongodb({ url: database.url })
      await store.open?.()
      const records = async () => {
        const found: TaskRecord[] = []
        for await (const record of everyItem(200, page => store.queries.list({}, page))) found.push(record)
        return found
      }
      try {
        const [oldClient, oldWorker] = [await begin('old', ''), await begin('old', 'worker,maintenance')]
        await submit(oldClient, 'Tree', 20)
        await submit(oldClient, 'Echo', 100)
        const worker = await begin('new', 'worker,maintenance')
        const client = await begin('new', '')
        await submit(client, 'Tree', 20)
        await until(async () => {
          const results = (await records()).map(({ result }) => result)
          return results.includes('"new"') && results.includes('"old"')
        }, 'tasks that each build ran')
        await end(oldWorker)
        await submit(oldClient, 'Echo', 50)
        await end(oldClient)
        await submit(client, 'Added', 20)
        const open = (record: TaskRecord) => record.completedAt === undefined
        await until(async () => !(await records()).some(open), 'end of all tasks', 120_000)
        const all = await records()
        expect(all).toHaveLength(40 + 40 * 4 + 150 + 20)
        expect(all.filter(({ status, retryCount }) => status !== 'COMPLETED' || retryCount > 0)).toEqual([])
        for (const { taskType, result } of all) if (taskType === 'Tree') expect(result).toBe('4')
        await end(worker)
      } finally {
        for (const process of running) await process[Symbol.asyncDispose]()
        await store.tasks.close()
        await names.deleteAll()
        await database.drop()
      }
    })
  })
})
