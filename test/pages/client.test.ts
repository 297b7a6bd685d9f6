import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createEngine, type Engine } from 'quillwork'
import type * as Client from 'quillwork/client'
import { createApp } from 'quillwork/http'
import { sqlite } from 'quillwork/sqlite'
import { scriptedTasks } from 'quillwork/testing'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describePages, open } from './kit/browser.ts'

declare global {
  interface Window {
    quillwork?: typeof Client
  }
}

const token = 'a-token-of-the-tests-that-is-long-enough'

/** Returns the client as one script for a browser, as a bundler makes it of the package. */
async function bundled(): Promise<string> {
  const input = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))
  const bundle = await rolldown({ input, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  return `${output[0].code}\nwindow.quillwork = { createClient, ApiError }`
}

describePages('quillwork/client in a page of another origin', () => {
  let engine: Engine
  let app: ReturnType<typeof createApp>
  let url: string
  let origin: string
  let page: ReturnType<typeof createServer>

  beforeAll(async () => {
    const script = await bundled()
    page = createServer((request, response) => {
      const isScript = request.url === '/client.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><script type="module" src="/client.js"></script>')
    })
    await new Promise<void>(resolve => page.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
    const { scripted } = scriptedTasks()
    engine = (await createEngine({ tasks: [scripted], store: sqlite({ file: ':memory:' }) })) as Engine
    await engine.start()
    app = createApp({ engine, config: { token, allowedOrigins: [origin] } })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    app.server.closeAllConnections()
    await app.close()
    await engine.stop({ grace: 0 })
    page.closeAllConnections()
    await new Promise(resolve => page.close(resolve))
  })

  it('submits a task, follows it and its text, and reads what became of it', async () => {
    await using opened = await open(origin)
    await opened.page.waitForFunction(() => window.quillwork !== undefined)
    const read = await opened.page.evaluate(
      async given => {
        const { createClient, ApiError } = window.quillwork as typeof Client
        const { tasks, api } = createClient(given)
        const { id } = await tasks.submit({
          taskType: 'Scripted',
          parameters: {
            orders: [
              { do: 'waitFor', name: 'go' },
              { do: 'write', text: '渡口的钟' },
              { do: 'succeed', value: 7 },
            ],
          },
        })
        const events: string[] = []
        const following = (async () => {
          for await (const { event } of tasks.events(id, { lastEventId: 'other-1' })) events.push(event)
        })()
        let text = ''
        const writing = (async () => {
          for await (const { event, data } of tasks.output(id))
            if (event === 'text') text += (data as { text: string }).text
        })()
        await api.POST('/v1/tasks/{taskId}:signal', {
          params: { path: { taskId: id } },
          body: { name: 'go' },
        })
        const { status, result } = await tasks.waitFor(id, { timeout: 60_000 })
        await Promise.all([following, writing])
        const refused = await tasks.submit({ taskType: 'Nothing' }).catch(error => error as unknown)
        const code = refused instanceof ApiError ? refused.code : undefined
        return { status, result, text, events, code }
      },
      { url, token },
    )
    expect(read).toMatchObject({
      status: 'COMPLETED',
      result: 7,
      text: '渡口的钟',
      code: 'TASK_TYPE_UNKNOWN',
    })
    expect(read.events).toEqual(expect.arrayContaining(['reset', 'task.completed']))
  })
})
