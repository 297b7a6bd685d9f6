import type { Logger } from '../../runtime/log.ts'

/** What is wrong now, and how often what went wrong. Each problem has a key under which it is told once and taken back. */
export interface Health {
  reconnects: number
  returned: number
  unconfirmed: number
  /** Notes a problem and logs it, unless it is known already. `text` says what to do. */
  problem(key: string, text: string): void
  /** The problem is over. */
  solved(key: string): void
  problems(): readonly string[]
}

/** The health of one broker. */
export function createHealth(log: Logger): Health {
  const problems = new Map<string, string>()
  return {
    reconnects: 0,
    returned: 0,
    unconfirmed: 0,
    problem(key, text) {
      if (problems.get(key) === text) return
      problems.set(key, text)
      log.warn({ broker: 'rabbitmq', problem: key }, text)
    },
    solved(key) {
      if (problems.delete(key)) log.info({ broker: 'rabbitmq', problem: key }, 'the problem is over')
    },
    problems: () => [...problems.values()],
  }
}
