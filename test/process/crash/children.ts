import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { programsFolder } from '../../servers/ask.ts'
import { sizeOf } from '../../size.ts'

/** One line that a child program said. */
export interface Said {
  said: string
  [more: string]: unknown
}

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A child process that the test started, and ends. */
export interface Child {
  readonly pid: number
  /** Resolves with the first line that says so, also one that was said before. Rejects when the process ends without it. */
  says(said: string): Promise<Said>
  /** Resolves when it has ended. Rejects when it lives on for too long after this was read. */
  readonly ended: Promise<Ended>
  /** Resolves when it has ended, however long it lives. */
  readonly closed: Promise<Ended>
  /** What it wrote on standard error; for messages. */
  readonly errors: () => string
  signal(name: NodeJS.Signals): void
  /** Writes a line to its standard input. */
  tell(line: string): void
}

/** Returns a process with more that belongs to it. A copy would ask for its end now. */
export function withMore<C extends Child, M extends object>(child: C, more: M): C & M {
  return Object.assign(Object.create(child) as C, more)
}

/** Milliseconds that anything may take before a test gives up; the machine may be busy with other tests, or the load large. */
const patience = sizeOf(120_000, 120_000, 600_000)

const programs = await programsFolder()
const tests = fileURLToPath(new URL('../../', import.meta.url))

/** The children of one test: all of them end with it. */
export class Children implements AsyncDisposable {
  readonly #running = new Set<ChildProcess>()
  readonly #folder: string

  /** @param folder Working directory of the children; what they leave there goes with it. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts a program on the built package, named by its path from this folder: in few files where `test/servers/programs.ts` has it. */
  start(program: string, options: object): Child {
    const file = fileURLToPath(new URL(program, import.meta.url))
    const bundled = path.join(programs, path.relative(tests, file))
    return this.run(process.execPath, [existsSync(bundled) ? bundled : file, JSON.stringify(options)])
  }

  /** Starts a command. Its lines of JSON are what it says; a line of text is said under its first word, as `line`. */
  run(command: string, args: readonly string[]): Child {
    const child = spawn(command, args, { cwd: this.#folder, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#running.add(child)
    const ended = once(child, 'close').then(([code, signal]): Ended => {
      this.#running.delete(child)
      return { code, signal }
    })
    return watch(child, ended)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#running].map(async child => {
        const closed = once(child, 'close')
        child.kill('SIGCONT')
        child.kill('SIGKILL')
        await closed
      }),
    )
  }
}

function watch(child: ChildProcess, ended: Promise<Ended>): Child {
  const lines: Said[] = []
  const listeners = new Set<() => void>()
  let errors = ''
  child.stderr?.on('data', (piece: Buffer) => {
    errors = `${errors}${piece.toString()}`.slice(-8_000)
  })
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', line => {
      lines.push(readLine(line))
      for (const listener of listeners) listener()
    })
  return {
    pid: child.pid ?? 0,
    closed: ended,
    get ended() {
      return within(ended, () => `Process ${child.pid} did not end. ${errors}`)
    },
    errors: () => errors,
    signal: name => void child.kill(name),
    tell: line => void child.stdin?.write(`${line}\n`),
    says(said) {
      const heard = new Promise<Said>((resolve, reject) => {
        const look = () => {
          const line = lines.find(other => other.said === said)
          if (line === undefined) return
          listeners.delete(look)
          resolve(line)
        }
        listeners.add(look)
        look()
        ended.then(({ code, signal }) => {
          look()
          reject(
            new Error(
              `The process ended (${code ?? signal}) before it said ${said}: ${errors || lines.at(-1)?.said}`,
            ),
          )
        }, reject)
      })
      return within(heard, () => `Process ${child.pid} did not say ${said}. ${errors}`)
    },
  }
}

function readLine(line: string): Said {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && 'said' in value) return value as Said
  } catch {
    // A plain line of text.
  }
  return { said: line.split(' ')[0] ?? '', line }
}

async function within<T>(promise: Promise<T>, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`After ${patience} ms: ${what()}`)), patience)
  })
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer))
}
