import { setTimeout as sleep } from 'node:timers/promises'
import { perEach, total } from './wire.mjs'

const STILL_MS = 500
const LIMIT_MS = 10_000

/** Resolves when nothing was said to a server for a moment, or after 10 s: what is told after the end of a task counts too. */
async function still(count) {
  const begin = performance.now()
  for (let last = ''; performance.now() - begin < LIMIT_MS; ) {
    const now = JSON.stringify(await count())
    if (now === last) return
    last = now
    await sleep(STILL_MS)
  }
}

/**
 * Runs `work`, which does `tasks` tasks, and answers `{ figures, commands }`: its figures, the processor time of this process per
 * task, the sums of what was said to the servers per task, and the same by name. `count` is `counted`, or its sum over several processes.
 */
export async function countingPerTask(count, tasks, work) {
  await still(count)
  const before = await count()
  const cpu = process.cpuUsage()
  const figures = await work()
  const cpuMs = spent(cpu) / tasks
  await still(count)
  const commands = perEach(before, await count(), tasks)
  return { figures: { ...figures, cpuMs, ...sums(commands) }, commands }
}

/** What is said per second while nothing happens. */
export async function countingPerSecond(count, seconds) {
  const before = await count()
  const cpu = process.cpuUsage()
  await sleep(seconds * 1000)
  const cpuMs = spent(cpu) / seconds
  const commands = perEach(before, await count(), seconds)
  return { figures: { cpuMs, ...sums(commands) }, commands }
}

/** Milliseconds of processor time that this process used since then. */
function spent(before) {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** `rabbitMessages` are those published and acknowledged: what grows with tasks, and not with time. */
function sums({ mongodb, statements, sent, received }) {
  return {
    mongoCommands: total(mongodb),
    mongoStatements: total(statements),
    rabbitMessages: (sent['basic.publish'] ?? 0) + (sent['basic.ack'] ?? 0),
    rabbitSent: total(sent),
    rabbitReceived: total(received),
  }
}
