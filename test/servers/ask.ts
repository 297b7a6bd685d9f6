import { describe, inject, it } from 'vitest'
import type { SharedServer } from './shared.ts'

/** Asks for a shared server; the first test file that asks waits until it has started. */
export async function askFor(server: 'mongo' | 'rabbit' | 'programs'): Promise<SharedServer> {
  const response = await fetch(`${inject('sharedServers')}/${server}`)
  return (await response.json()) as SharedServer
}

/** Returns the folder of the programs that tests start; see `programs.ts`. */
export async function programsFolder(): Promise<string> {
  const programs = await askFor('programs')
  if ('missing' in programs) throw new Error(programs.missing)
  return programs.url
}

/**
 * Answers a `describe` for tests that need the server. Where there is none its tests are skipped, with a line that says how to get one;
 * with CI=true they fail instead.
 */
export function describeWith(name: string, server: SharedServer): (title: string, tests: () => void) => void {
  if ('url' in server) return describe
  const reason = `No ${name} for these tests. ${server.missing}`
  if (process.env['CI'] === 'true')
    return title =>
      describe(title, () => {
        it(`needs ${name}`, () => Promise.reject(new Error(reason)))
      })
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return (title, tests) => describe.skip(title, tests)
}
