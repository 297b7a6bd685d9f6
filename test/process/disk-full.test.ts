import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { program as command } from './cli/quillwork.ts'
import { requireBuilt } from './crash/built.ts'
import type { Child } from './crash/children.ts'
import { Runs } from './crash/runs.ts'

beforeAll(requireBuilt, 120_000)

const program = fileURLToPath(new URL('crash/run-full.mjs', import.meta.url))

/** Whether a command can be run here; if not, the test says so where everybody sees it. */
function canRun(command: string, args: readonly string[], what: string): boolean {
  const works = spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (!works) process.stderr.write(`SKIPPED: ${what}\n`)
  return works
}

/** Runs a test on a small disk of its own; skips it, loudly, where none can be mounted. */
async function onSmallDisk(
  skip: (why: string) => void,
  test: (small: { runs: Runs; disk: string }) => Promise<void>,
): Promise<void> {
  await using runs = new Runs()
  const disk = path.join(runs.folder, 'disk')
  mkdirSync(disk)
  const mount = ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk]
  if (!canRun('mount', mount, 'the test of a full disk needs the right to mount a small file system.'))
    return skip('no right to mount a small file system')
  try {
    await test({ runs, disk })
  } finally {
    await runs.children[Symbol.asyncDispose]()
    execFileSync('umount', [disk])
  }
}

/** Takes what space is left; answers how to give it back. */
function takeSpace(disk: string): () => void {
  const file = path.join(disk, 'ballast')
  const descriptor = openSync(file, 'w')
  for (const piece of [65_536, 4_096, 1]) {
    try {
      for (;;) writeSync(descriptor, Buffer.alloc(piece))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  closeSync(descriptor)
  return () => rmSync(file)
}

describe('a process whose disk is full', () => {
  it(
    'refuses what it cannot keep, survives, and goes on by itself when there is space again',
    {
      timeout: 120_000,
    },
    ({ skip }) =>
      onSmallDisk(skip, async ({ runs, disk }) => {
        const file = path.join(disk, 'tasks.db')
        const child = runs.start('run-full.mjs', { file })
        await expectRefusals(child, 'STORE_FULL')
        execFileSync('mount', ['-o', 'remount,size=20m', disk])
        await expectGoesOn(runs, child, file)
      }),
  )

  it('is told so at the start, and starts when there is space again', ({ skip }) =>
    onSmallDisk(skip, async ({ runs, disk }) => {
      const file = path.join(disk, 'tasks.db')
      const options = { file, submit: [{ key: 'held', kind: 'pause' }] }
      const first = runs.start('run-tasks.mjs', options)
      await first.says('pausing')
      first.signal('SIGKILL')
      await first.ended
      const giveBack = takeSpace(disk)
      const refused = await runs.start('run-tasks.mjs', options).says('refused')
      expect(refused['code']).toBe('STORE_FULL')
      giveBack()
      const last = runs.start('run-tasks.mjs', options)
      await last.says('opened')
      last.signal('SIGKILL')
      await last.ended
    }))

  it('of a server is told to whoever uploads, and no half file stays', ({ skip }) =>
    onSmallDisk(skip, async ({ runs, disk }) => {
      const server = runs.children.run(process.execPath, [
        command,
        'serve',
        '--data',
        disk,
        '--port',
        '0',
        '--no-token',
      ])
      const url = String((await server.says('listening'))['line']).replace('listening on ', '')
      const upload = (body: string) =>
        fetch(`${url}/v1/uploads?fileName=book.txt`, {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
          body,
        })
      const refused = await upload('A long book. '.repeat(800_000))
      expect(refused.status).toBe(507)
      expect(await refused.json()).toMatchObject({ code: 'STORE_FULL' })
      expect(readdirSync(path.join(disk, 'uploads'))).toEqual([])
      expect((await upload('Chapter 1\n\nIt was a bright cold day.')).status).toBe(201)
      // Whether there is room is known before anybody was refused.
      const readyz = async () => {
        const response = await fetch(`${url}/readyz`)
        return { http: response.status, ...((await response.json()) as object) }
      }
      expect(await readyz()).toMatchObject({ http: 200 })
      const giveBack = takeSpace(disk)
      const notReady = { http: 503, detail: expect.stringContaining('is full') }
      await expect.poll(readyz).toMatchObject(notReady)
      giveBack()
      await expect.poll(readyz).toMatchObject({ http: 200 })
      server.signal('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }))

  it('does the same at a limit on the size of a file', { timeout: 120_000 }, async ({ skip }) => {
    if (!canRun('prlimit', ['--version'], 'the test of a limit on the size of a file needs prlimit.'))
      return skip('no prlimit')
    await using runs = new Runs()
    const options = JSON.stringify({ file: runs.file, ledgerFile: runs.ledgerFile, boot: 1 })
    const child = runs.children.run('prlimit', [
      '--fsize=2000000:unlimited',
      process.execPath,
      program,
      options,
    ])
    await expectRefusals(child, 'STORE_FULL')
    execFileSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited:unlimited'])
    await expectGoesOn(runs, child, runs.file)
  })
})

async function expectRefusals(child: Child, code: string): Promise<void> {
  const full = await child.says('full')
  expect(full['code']).toBe(code)
  expect(full['accepted']).toBeGreaterThan(10)
  const still = await child.says('still-full')
  // The refused one left its pages behind, so that another one may still fit.
  const answers = still['refused'] as string[]
  expect(answers).toContain(code)
  expect(answers.filter(answer => answer !== code && answer !== 'accepted')).toEqual([])
}

async function expectGoesOn(runs: Runs, child: Child, file: string): Promise<void> {
  child.tell('space')
  const idle = await child.says('idle')
  // The outcome of the attempt that ended meanwhile was kept, and written again.
  expect(idle['errors']).toContainEqual(expect.stringContaining('outcome write failed'))
  child.signal('SIGTERM')
  expect(await child.ended).toEqual({ code: 0, signal: null })
  expect(await runs.brokenAtRest(file)).toEqual([])
  const { tasks } = await runs.read(file)
  for (const task of tasks) expect(task).toMatchObject({ status: 'COMPLETED', attempt: 1 })
}
