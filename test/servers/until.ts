import { setTimeout as sleep } from 'node:timers/promises'

/** A machine of CI may be slow, and busy with other tests. */
const slack = process.env['CI'] === 'true' ? 3 : 1

/**
 * Asks again and again until the answer is something other than false or undefined, and gives that answer. Fails after `limit`
 * milliseconds (30 s unless given) with what was waited for. A rejected question counts as "not yet"; its error is in the message.
 * In CI it has three times as long. Asks every `every` milliseconds (20 unless given): a question that costs something should not slow down what it waits for.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  what: string,
  limit = 30_000,
  every = 20,
): Promise<Exclude<Awaited<T>, false | undefined>> {
  const end = performance.now() + limit * slack
  let failure = ''
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== undefined) return answer as Exclude<Awaited<T>, false | undefined>
      failure = ''
    } catch (error) {
      failure = ` (${String(error)})`
    }
    if (performance.now() > end) throw new Error(`After ${limit * slack} ms still no ${what}${failure}.`)
    await sleep(every)
  }
}
