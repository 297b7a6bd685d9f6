import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { lastJson, requireBuilt, run, serve, temporaryFolder } from '../process/cli/quillwork.ts'
import { describeDistributed, installation } from '../process/distributed/installation.ts'
import { until } from '../servers/until.ts'
import { sizeOf } from '../size.ts'
import { api, hasEnded, modelsAt, readBook, type TaskSeen, writeBook } from './book.ts'
import { type ModelServer, startModelServer } from './server.ts'

const patience = 180_000
/** A second for the word of it to get there; more where other tests run beside this one. */
const longestMs = sizeOf(20_000, 20_000, 1_000)

beforeAll(requireBuilt, 240_000)

describe('a cancelled call', { timeout: patience }, () => {
  it('ends at the model soon, and nothing of it is written', async () => {
    using folder = temporaryFolder()
    await using models = await startModelServer()
    await using server = await serve(path.join(`${folder}`, 'data'), [], modelsAt(models.url))
    await cancelInTheMidst(server.url, models)
  })

  describeDistributed('in another process', () => {
    it('does the same', async () => {
      await using models = await startModelServer()
      await using home = installation({}, modelsAt(models.url))
      const front = await home.serve('api,maintenance')
      await home.serve('worker')
      await cancelInTheMidst(front.url, models)
    })
  })
})

async function cancelInTheMidst(url: string, models: ModelServer): Promise<void> {
  using folder = temporaryFolder()
  const imported = await run([
    'import',
    writeBook(`${folder}`, 1),
    '--yes',
    '--watch',
    '--json',
    '--url',
    url,
  ])
  const { novelId = '' } = lastJson<{ novelId?: string }>(imported)
  const [scene] = await readBook(url, novelId)
  models.script.add({ answer: { is: 'stalled', after: 3 } })
  const submission = { taskType: 'GenerateScene', parameters: { novelId, sceneId: scene?.id } }
  const { id } = await api<TaskSeen>(url, '/v1/tasks', submission)
  const call = await until(
    () => models.ledger.calls.find(({ answered, text }) => answered === 'stalled' && text.length === 36),
    'part of an answer',
  )
  const cancelledAt = Date.now()
  await api<TaskSeen>(url, `/v1/tasks/${id}:cancel`, {})
  await until(() => call.closedByClient, 'end of the connection')
  expect((call.endedAt ?? 0) - cancelledAt).toBeLessThan(longestMs)
  const task = await until(async () => {
    const seen = await api<TaskSeen>(url, `/v1/tasks/${id}`)
    return hasEnded(seen) ? seen : undefined
  }, 'end of the task')
  expect(task.status).toBe('CANCELLED')
  const [untouched] = await readBook(url, novelId)
  expect(untouched?.content).toBe(scene?.content)
  // What was used until then is paid, and counted.
  const usage = await api<unknown>(url, `/v1/tasks/${id}/usage`)
  expect(JSON.stringify(usage)).toMatch(/"outputTokens":[1-9]/)
}
