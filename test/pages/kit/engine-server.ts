import { fileURLToPath } from 'node:url'
import { bulkAction, createEngine, type Engine, type Limit } from 'quillwork'
import { createApp, type HttpOptions } from 'quillwork/http'
import { sqlite } from 'quillwork/sqlite'
import { scriptedTasks } from 'quillwork/testing'
import { requireBuilt } from '../../process/cli/quillwork.ts'
import { askingOf, type PageServer } from './kit.ts'

/** An API with the pages, in this process, on an engine whose tasks obey (see `Order` in src/testing/scripted.ts). */
export interface EngineServer extends Pick<PageServer, 'url' | 'ask' | 'post' | 'ended'>, AsyncDisposable {
  readonly engine: Engine
  /** Submits a task that does these things in order. Answers its id. */
  submit(orders: readonly object[], fields?: object): Promise<string>
}

/** Where the built pages are. */
const pagesFolder = new URL('../../../dist/dashboard/', import.meta.url)

/** Starts it on a database in memory, with the clock of the machine. Retries come after some milliseconds instead of minutes. */
export async function startEngineServer(
  config: HttpOptions = {},
  limits: Record<string, Limit> = {},
): Promise<EngineServer> {
  requireBuilt()
  const tasks = scriptedTasks()
  const engine = (await createEngine({
    tasks: [tasks.scripted, tasks.parent, bulkAction],
    store: sqlite({ file: ':memory:' }),
    limits,
  })) as Engine
  await engine.start()
  const app = createApp({ engine, config, pages: fileURLToPath(pagesFolder) })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const asking = askingOf(url)
  return {
    url,
    engine,
    ask: asking.ask,
    post: asking.post,
    ended: asking.ended,
    async submit(orders, fields = {}) {
      const { id } = await asking.post<{ id: string }>('/v1/tasks', {
        taskType: 'Scripted',
        parameters: { orders },
        ...fields,
      })
      return id
    },
    async [Symbol.asyncDispose]() {
      const closing = app.close()
      // A browser keeps connections at hand on which it has asked nothing yet; the server would wait for them.
      app.server.closeAllConnections()
      await closing
      await engine.stop({ grace: 0 })
    },
  }
}
