import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watchOthers } from './machine.mjs'
import { onNode24 } from './node-24/runtime.mjs'
import { startRedis } from './peers/redis.mjs'

const CHILD = fileURLToPath(new URL('child.mjs', import.meta.url))
const LIMIT_MS = 10 * 60_000

/** Above this share of the cores used by other processes a run counts as busy. */
export const QUIET_SHARE = 0.2

/** Files that several measurements read are made once per run of the benchmark: `{ key: folder }`. */
export async function prepare(entry, size, folder) {
  if (!entry.prepared) return undefined
  const directory = join(folder, `prepared-${entry.prepared.key}`)
  if (mkdirSync(directory, { recursive: true })) {
    await measureInChild({ ...entry.prepared, options: { ...entry.prepared.options, ...size, directory } })
  }
  return directory
}

/** One round of one entry: `{ figures, others }`, where `others` is the share of the cores that other processes used. */
export async function measureOnce(entry, size, folder) {
  const prepared = await prepare(entry, size, folder)
  const directory = mkdtempSync(join(folder, 'run-'))
  const others = watchOthers()
  const redis = entry.needs === 'redis' ? await startRedis(directory) : undefined
  try {
    const options = { ...entry.options, ...size, directory, prepared, redisPort: redis?.port }
    const runtime = entry.node === 24 ? onNode24 : undefined
    const figures = await measureInChild({ script: entry.script, measure: entry.measure, options }, runtime)
    await redis?.stop()
    return { figures, others: others() }
  } finally {
    await redis?.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Resolves with what the child sent, on another Node where `runtime` says how; rejects when it ended without, or took longer than 10 minutes. */
export function measureInChild(request, runtime = {}) {
  return new Promise((resolve, reject) => {
    const child = fork(CHILD, [JSON.stringify(request)], { execArgv: [], detached: true, ...runtime })
    const stopNow = () => killGroup(child)
    const timer = setTimeout(stopNow, LIMIT_MS)
    process.once('exit', stopNow)
    let figures
    child.on('message', message => {
      figures = message
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      process.removeListener('exit', stopNow)
      if (figures && code === 0) resolve(figures)
      else reject(new Error(`${request.script} ${request.measure} ended with ${signal ?? `code ${code}`}`))
    })
  })
}

/** Ends a child with all that it started: it leads a process group of its own (on Windows only the child itself is ended). */
function killGroup(child) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
