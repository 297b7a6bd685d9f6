import type { TaskJson } from 'quillwork/http'
import { expect, test } from 'vitest'
import type { Client, Query } from '../../src/cli/client.ts'
import { taskLines } from '../../src/cli/task-lines.ts'

const task = {
  id: 'a',
  taskType: 'Vectorize',
  status: 'RUNNING',
  lane: 'default',
  attempt: 1,
  retryCount: 0,
  parameters: {},
  timestamps: { createdAt: '2026-03-01T00:00:00.000Z', updatedAt: '2026-03-01T00:00:00.000Z' },
} as TaskJson

/** An API with a task whose log has so many lines, told from its beginning. */
function withLog(lines: number): Client {
  const log = Array.from({ length: lines }, (_, index) => ({
    at: '2026-03-01T00:00:00.000Z',
    attempt: 1,
    level: 'info',
    message: `line ${index + 1}`,
  }))
  return {
    async get(path: string, { pageSize, pageToken }: Query = {}) {
      if (!path.endsWith('/logs')) return { items: [] }
      const from = Number(pageToken ?? 0)
      const end = from + Number(pageSize)
      return { items: log.slice(from, end), ...(end < lines ? { nextPageToken: `${end}` } : {}) }
    },
  } as unknown as Client
}

test.each([
  [5, 1],
  [450, 431],
  [410, 391],
])('of a log of %i lines the end is shown, from line %i', async (count, first) => {
  const lines = await taskLines(withLog(count), { task, children: [], more: 0 })
  const shown = lines.slice(lines.indexOf('log:') + 1).map(line => Number(/line (\d+)$/.exec(line)?.[1]))
  expect(shown).toEqual(Array.from({ length: count - first + 1 }, (_, index) => first + index))
})
