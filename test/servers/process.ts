import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** A server process that was started, and is ended by its id. */
export interface ServerProcess {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
  /** Whether it has not ended yet. */
  running(): boolean
  /** Sends a signal; resolves at once, or, for the signals that end or stop a process, when it has ended or stopped. */
  kill(signal: NodeJS.Signals): Promise<void>
}

/** What to start: a command, its environment, the folder it runs in, and the file that takes what it prints. */
export interface ServerCommand {
  command: string
  args: readonly string[]
  folder: string
  logFile: string
  env?: NodeJS.ProcessEnv
}

let guard: ChildProcess | undefined

/** Starts a server in a process group of its own, so that Ctrl-C reaches it only through the tests that end it. */
export function startProcess({
  command,
  args,
  folder,
  logFile,
  env = process.env,
}: ServerCommand): ServerProcess {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  const { pid } = child
  const ended = once(child, 'exit').then(
    () => undefined,
    () => undefined,
  )
  if (pid === undefined) throw new Error(`${command} could not be started.`)
  tellGuard({ watch: pid })
  child.unref()
  let running = true
  child.once('exit', () => {
    running = false
    tellGuard({ forget: pid })
  })
  return {
    pid,
    ended,
    running: () => running,
    async kill(signal) {
      if (running) process.kill(pid, signal)
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await until(() => !running, `end of ${command}`)
      if (signal === 'SIGSTOP') await until(() => !running || isStopped(pid), `halt of ${command}`)
    },
  }
}

/** Whether no thread of a process runs: on a busy machine one may go on for a moment. Taken for granted where the system does not say it. */
function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return true
  return readdirSync(threads).every(thread => {
    const [, state] = /\) (\w)/.exec(readFileSync(`${threads}/${thread}/stat`, 'utf8')) ?? []
    return state === 'T'
  })
}

/** Makes an empty folder; it is removed with the process that made it, if not before. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `quillwork-${name}-`))
  tellGuard({ remove: folder })
  return folder
}

/** Removes a folder that `makeFolder` made. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  tellGuard({ keep: folder })
}

/** The last lines of a log, for messages. */
export function tailOf(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n')
  } catch {
    return ''
  }
}

/** Tells the guard of this process what to clear away should this process be killed. Starts it when it is first needed. */
function tellGuard(message: object): void {
  if (guard === undefined) {
    const program = fileURLToPath(new URL('guard.mjs', import.meta.url))
    guard = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    guard.unref()
    // Neither the guard nor the pipe to it keeps this process running.
    if (guard.stdin instanceof Socket) guard.stdin.unref()
  }
  guard.stdin?.write(`${JSON.stringify(message)}\n`)
}
