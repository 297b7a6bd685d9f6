import { setTimeout as sleep } from 'node:timers/promises'

/** A machine of CI may be slow, and busy with other tests. */
const slack = process.env['CI'] === 'true' ? 3 : 1

/** Shortest and longest pause between two questions, milliseconds. */
const [shortestPause, longestPause] = [20, 100]

/**
 * Asks again and again until the answer is something other than false or undefined, and gives that answer. Fails after `limit`
 * milliseconds (60 s unless given) with what was waited for. A rejected question counts as "not yet"; its error is in the message.
 * In CI it has three times as long. Asks every `every` milliseconds; unless given, every 20 at first and less often the longer it waits: a question
 * that costs something should not slow down what it waits for.
 */
export async function until<T>(
  ask: () => T | Promise<T>,
  what: string,
  limit = 60_000,
  every?: number,
): Promise<Exclude<Awaited<T>, false | undefined>> {
  const begun = performance.now()
  const end = begun + limit * slack
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
    const waited = performance.now() - begun
    await sleep(every ?? Math.min(Math.max(waited / 50, shortestPause), longestPause))
  }
}
