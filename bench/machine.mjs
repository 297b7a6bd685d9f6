import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median } from './load.mjs'

const TMPFS = 0x01021994

/** A folder for the files of one run, on a real disk: on a tmpfs an fsync costs nothing. The caller removes it. */
export function makeWorkFolder(repository) {
  if (statfsSync(tmpdir()).type !== TMPFS) return mkdtempSync(join(tmpdir(), 'quillwork-bench-'))
  const parent = join(repository, '.quillwork')
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, 'bench-'))
}

/** What a reader needs to know of the machine: processors, memory, Node, and milliseconds per append of 4 KB with fsync. */
export function describeMachine(directory) {
  const processors = cpus()
  return {
    processors: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    fsyncMs: measureFsync(directory),
  }
}

function measureFsync(directory) {
  const path = join(directory, 'fsync')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(4096, 1)
  const times = Array.from({ length: 100 }, () => {
    const begin = performance.now()
    writeSync(file, block)
    fsyncSync(file)
    return performance.now() - begin
  })
  closeSync(file)
  rmSync(path)
  return median(times)
}

/**
 * Starts to watch the processors; the function returned tells the share (0 to 1) of all cores that processes other than this one,
 * its ended children and the servers `pids` used since, or undefined where /proc/stat does not exist. The kernel's own threads count
 * as others.
 */
export function watchOthers(pids = []) {
  const before = readCounters(pids)
  return () => {
    const after = readCounters(pids)
    if (!before || !after) return undefined
    const others = after.busy - before.busy - (after.own - before.own)
    return Math.max(0, others) / Math.max(1, after.total - before.total)
  }
}

/** Clock ticks since boot, summed over the cores, and those of our processes with the children that they have waited for. */
function readCounters(pids) {
  try {
    const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/)
    // user nice system idle iowait irq softirq steal; the guest fields after them are part of user and nice already.
    const ticks = fields.slice(0, 8).map(Number)
    const total = ticks.reduce((sum, value) => sum + value, 0)
    const own = ['self', ...pids].map(ticksOf).reduce((sum, value) => sum + value, 0)
    return { total, busy: total - ticks[3] - ticks[4], own }
  } catch {
    return undefined
  }
}

function ticksOf(process) {
  const stat = readFileSync(`/proc/${process}/stat`, 'utf8')
  const [utime, stime, cutime, cstime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number)
  return utime + stime + cutime + cstime
}
