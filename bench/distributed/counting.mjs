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
 * Runs `work`, which does `tasks` tasks, and answers `{ figures, commands }`: its figures with the sums of what was said to the servers
 * per task, and the same by name. `count` is `counted`, or its sum over several processes.
 */
export async function countingPerTask(count, tasks, work) {
  await still(count)
  const before = await count()
  const figures = await work()
  await still(count)
  const commands = perEach(before, await count(), tasks)
  return { figures: { ...figures, ...sums(commands) }, commands }
}

/** What is said per second while nothing happens. */
export async function countingPerSecond(count, seconds) {
  const before = await count()
  const cpu = process.cpuUsage()
  await sleep(seconds * 1000)
  const { user, system } = process.cpuUsage(cpu)
  const commands = perEach(before, await count(), seconds)
  return { figures: { ...sums(commands), cpuMs: (user + system) / 1000 / seconds }, commands }
}

function sums({ mongodb, documents, sent, received }) {
  return {
    mongoCommands: total(mongodb),
    mongoDocuments: total(documents),
    rabbitSent: total(sent),
    rabbitReceived: total(received),
  }
}
