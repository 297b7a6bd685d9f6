import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requireBuilt } from '../process/crash/built.ts'
import { blocksOf, looksLike, type Step, stepsOf } from './markdown.ts'
import { createProject, type Project, type Run, root } from './project.ts'

/** Whether the machine has the program that the documents use to show requests. */
export const hasCurl = spawnSync('curl', ['--version']).status === 0

/** A server of a document, in a process of its own. */
export interface DocumentedServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number | null>
}

/** Starts a server and waits for its line `listening on URL`. */
export function startServer(
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Promise<DocumentedServer> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let told = ''
  return new Promise((resolve, reject) => {
    const ended = exitOf(child)
    void ended.then(code => reject(new Error(`the server ended with ${code}: ${told}`)))
    child.stderr.on('data', chunk => {
      told += String(chunk)
    })
    createInterface({ input: child.stdout }).on('line', line => {
      told += `${line}\n`
      const url = /listening on (http:\S+)/.exec(line)?.[1]
      if (url !== undefined)
        resolve({
          url,
          stop() {
            child.kill('SIGTERM')
            return ended
          },
        })
    })
  })
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    child.once('exit', code => resolve(code))
  })
}

/** Runs a shown command and compares what it prints, errors included, as on a terminal. */
export function check({ command, prints }: Step, run: (command: string) => Run): void {
  const { status, stdout } = run(`{ ${command}\n} 2>&1`)
  expect(looksLike(prints, stdout), `$ ${command}\n  shows: ${prints}\n  prints: ${stdout}`).toBe(true)
  expect(status, `$ ${command}`).toBe(0)
}

/** Declares the test that the commands of a page, run one after the other on an empty database beside the samples, print what it shows. */
export function testCommandsOf(page: string): void {
  let project: Project

  beforeAll(() => {
    requireBuilt()
    project = createProject()
    cpSync(path.join(root, 'samples'), path.join(project.folder, 'samples'), { recursive: true })
  }, 120_000)
  afterAll(() => project.remove())

  it('shows what the commands print', () => {
    const quillwork = `node ${path.join(root, 'bin', 'quillwork.js')} --data data`
    for (const step of blocksOf(page).flatMap(block => stepsOf(block.text)))
      check(step, command => project.run(command.replace('{ quillwork ', `{ ${quillwork} `)))
  })
}
