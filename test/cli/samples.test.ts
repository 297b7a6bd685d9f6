import { expect, test } from 'vitest'
import type { Client, Query } from '../../src/cli/client.ts'
import { importSamples, type SampleImport } from '../../src/cli/commands/serve.ts'

/** Asks an API that holds so much for the samples; answers what was asked of it, and what was said. */
async function ask(held: { tasks: number; novels: number; uploads: number }) {
  const asked: string[] = []
  const said: string[] = []
  const client = {
    async get(path: string, { pageSize }: Query = {}) {
      asked.push(path)
      if (path === '/v1/tasks/counts') return { total: held.tasks }
      const count = { '/v1/novels': held.novels, '/v1/uploads': held.uploads }[path] ?? 0
      return { items: Array.from({ length: Math.min(count, Number(pageSize ?? 50)) }, () => ({})) }
    },
  } as unknown as Client
  const terminal = { out: (line: string) => said.push(line), note: (line: string) => said.push(line) }
  await importSamples({ client, terminal, quiet: false } as unknown as SampleImport)
  return { asked, said }
}

test.each([
  { tasks: 1, novels: 0, uploads: 0 },
  { tasks: 0, novels: 2, uploads: 0 },
  { tasks: 0, novels: 0, uploads: 1 },
])('a database that holds %o gets no samples', async held => {
  const { asked, said } = await ask(held)
  expect(asked).not.toContain('/v1/samples')
  expect(said).toEqual([])
})

test('a database that holds nothing is asked for the samples', async () => {
  const { asked } = await ask({ tasks: 0, novels: 0, uploads: 0 })
  expect(asked).toContain('/v1/samples')
})
