import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline, Readable, Writable } from 'node:stream'
import { createServer } from 'node:tls'
import { fileURLToPath } from 'node:url'

import { programsFolder } from '../../servers/ask.ts'

export { requireBuilt } from '../crash/built.ts'

/** The repository's folder. */
export const repository = fileURLToPath(new URL('../../..', import.meta.url))
/** The English story of the sample: five chapters in two volumes. */
export const story = path.join(repository, 'samples', 'the-salt-ledger.txt')

/** A novel of so many chapters, with three scenes in each. */
export function makeNovel(chapters: number): string {
  const paragraph = (chapter: number, scene: number, number: number) =>
    `In paragraph ${number} of scene ${scene} of chapter ${chapter}, the miller counted ${chapter * number} lanterns. ` +
    `Nobody on the bridge believed him. The river, which had carried ${scene + number} boats that day, said nothing.`
  const scene = (chapter: number, number: number) =>
    Array.from({ length: 12 }, (_, i) => paragraph(chapter, number, i + 1)).join('\n\n')
  const chapter = (number: number) =>
    `Chapter ${number}: Lantern ${number}\n\n${[1, 2, 3].map(each => scene(number, each)).join('\n\n* * *\n\n')}`
  return `The Miller\n\n${Array.from({ length: chapters }, (_, i) => chapter(i + 1)).join('\n\n')}\n`
}

/** What a command left behind. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** A command that runs; it is killed when it is disposed. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcess
  /** Resolves with the match once the output (both streams) has it. Rejects when the command ends without. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

/** Long enough for a busy machine; nothing waits for it to pass. */
const patienceMs = 60_000

/** A folder that is gone after the tests. */
export function temporaryFolder(): string & Disposable {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-cli-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return Object.assign(folder, { [Symbol.dispose]: remove })
}

/** The built command line in few files, which starts in half of the time of `bin/quillwork.js` (`test/servers/programs.ts`). */
export const program = path.join(await programsFolder(), 'quillwork.js')

/**
 * Starts `quillwork ARGS` in a process of its own: the built program in few files.
 * `script` runs another program of the repository; `bin/quillwork.js` itself is run by the tests of the documents.
 */
export function start(
  args: readonly string[],
  {
    env = {},
    script,
    cwd = repository,
    input,
    takesInput = false,
  }: {
    env?: Record<string, string>
    script?: string
    cwd?: string
    /** What is piped in; default: nothing is. */
    input?: string
    /** What is written to its standard input later is piped in. */
    takesInput?: boolean
  } = {},
): Running {
  const file = script === undefined ? program : path.join(repository, script)
  const child = spawn(process.execPath, [file, ...args], {
    cwd,
    env: { ...bareEnvironment(), ...env },
    stdio: [input === undefined && !takesInput ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  if (!takesInput) child.stdin?.end(input)
  const output = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, ...output }))
  return {
    child,
    ended,
    says(pattern) {
      const found = () => pattern.exec(output.stdout) ?? pattern.exec(output.stderr)
      return new Promise((resolve, reject) => {
        const look = () => {
          const match = found()
          if (match === null) return
          listeners.delete(look)
          clearTimeout(timer)
          resolve(match)
        }
        const fail = (why: string) => {
          listeners.delete(look)
          clearTimeout(timer)
          reject(new Error(`${why} without saying ${pattern}:\n${output.stdout}\n${output.stderr}`))
        }
        const timer = setTimeout(() => fail('The time passed'), patienceMs)
        listeners.add(look)
        look()
        ended.then(() => fail('It ended'))
      })
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Without what the machine that runs the tests may have set. */
function bareEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('QUILLWORK_'))
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Runs `quillwork ARGS` to its end. */
export async function run(
  args: readonly string[],
  options: Parameters<typeof start>[1] = {},
): Promise<Ended> {
  await using running = start(args, options)
  return await running.ended
}

/**
 * Runs `quillwork ARGS` to its end in this process, as `bin/quillwork.js` does in one of its own: for commands that ask a server, in number.
 * What a process adds (its exit code, its pipes, its signals) is tested with `run` and `start`. One at a time: the environment and the working directory
 * are those of the process.
 */
export async function call(
  args: readonly string[],
  {
    env = {},
    cwd = repository,
    input = '',
  }: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<Ended> {
  const { main } = (await import(commandLine)) as typeof import('../../../src/cli/main.ts')
  const [stdout, stderr] = [new Kept(), new Kept()]
  const usual = process.env
  const before = process.cwd()
  process.env = { ...bareEnvironment(), ...env }
  process.chdir(cwd)
  try {
    const code = await main(args, { stdin: Readable.from([input]), stdout, stderr })
    return { code, signal: null, stdout: stdout.text, stderr: stderr.text }
  } finally {
    process.chdir(before)
    process.env = usual
  }
}

const commandLine = new URL('../../../dist/cli/main.js', import.meta.url).href

/** Keeps what is written to it. */
class Kept extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** The last line of an output as JSON. */
export function lastJson<T = Record<string, unknown>>({ stdout, stderr }: Ended): T {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T
  } catch {
    throw new Error(`The last line is not JSON:\n${stdout}\n${stderr}`)
  }
}

/** The last line of standard error as JSON. */
export function lastError({ stderr }: Ended): { code: string; message: string } {
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as { code: string; message: string }
}

/** Starts a server as `serveClosed` does. Requests need no token, unless one is set. */
export function serve(data: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const open = env['QUILLWORK_TOKEN'] === undefined ? ['--no-token'] : []
  return serveClosed(data, [...open, ...args], env)
}

/** Starts a server on a free port and waits until it listens. Requests need a token, as they do by default. */
export async function serveClosed(
  data: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
) {
  const running = start(['serve', '--data', data, '--port', '0', ...args], { env })
  const [, url = ''] = await running.says(/^listening on (http:\/\/\S+)$/m)
  return { ...running, url, [Symbol.asyncDispose]: running[Symbol.asyncDispose] }
}

/** The certificate of `behindTls`, for `NODE_EXTRA_CA_CERTS`: of 127.0.0.1, signed by itself, with a key that everybody knows. */
export const certificate = fileURLToPath(new URL('tls/certificate.pem', import.meta.url))

/** Answers for a server over https, as a proxy in front of it would. */
export async function behindTls(url: string): Promise<{ url: string } & AsyncDisposable> {
  const { port, hostname } = new URL(url)
  const key = readFileSync(new URL('tls/key.pem', import.meta.url))
  const proxy = createServer({ key, cert: readFileSync(certificate) }, socket => {
    const behind = connect(Number(port), hostname)
    pipeline(socket, behind, socket, () => undefined)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      proxy.close()
      await once(proxy, 'close')
    },
  }
}

/** What the server of a data directory told of itself. */
export function announcementIn(data: string): { url: string; pid: number } {
  return JSON.parse(readFileSync(path.join(data, 'server.json'), 'utf8'))
}

/** Submits a task over the API, as another program would. */
export async function submit(url: string, taskType: string, parameters: object): Promise<string> {
  const response = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ taskType, parameters }),
  })
  const { id } = (await response.json()) as { id: string }
  return id
}
