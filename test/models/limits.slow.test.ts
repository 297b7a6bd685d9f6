import { tmpdir } from 'node:os'
import { beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import type { Engine, TaskType } from '../../src/index.ts'
import { describeDistributed, type Installation, installation } from '../distributed/installation.ts'
import { requireBuilt } from '../process/crash/built.ts'
import { type Child, Children } from '../process/crash/children.ts'
import { until } from '../servers/until.ts'
import type { Call } from './ledger.ts'
import { startModelProcess } from './remote.ts'

/** The limiter counts a call for half a second more than a minute: that is how long the way to the provider may vary. */
const turnMs = 60_500
const windowMs = 60_000
/** What is left of that half a second. */
const spareMs = turnMs - windowMs
/** Where a place is asked for, or a call sent, for longer than so many milliseconds, processes wait for the machine and not for limits. */
const calmMs = 750
/** The longest that a wait may hold a slot with what asking takes, where the process is on time; milliseconds. */
const longestInSlot = 2_000
/** What is let pass beyond that and beyond the lateness of the process; milliseconds. */
const unmeasuredMs = 50
/** Windows that are looked at; what happens in the first is left out, for a key that nobody used starts with a burst. */
const windows = 2

const call = {
  type: 'Call',
  parameters: z.object({ key: z.string(), prompt: z.string() }),
  result: z.object({ text: z.string() }),
} satisfies TaskType

/** Eight keys: four with a limit on calls, four with one on tokens, and one of each kind that is refused in between. */
const perMinute = 120
/** Tokens of one call as the server counts them. */
const tokensPerCall = 75
const byCalls = { requestsPerMinute: perMinute }
const byTokens = { tokensPerMinute: perMinute * 1.5 * tokensPerCall }
const keys = Array.from({ length: 8 }, (_, at) => `key-${at}`)
const limits = Object.fromEntries(keys.map((key, at) => [key, at < 4 ? byCalls : byTokens]))
const refusedKey = 'key-0'
const retryAfterMs = 5_000

beforeAll(requireBuilt, 240_000)

describeDistributed('four processes that share eight keys', () => {
  it('E1, E2, E4: no limit is exceeded, 95 % of each is used, a 429 holds all processes and no other key', {
    timeout: 360_000,
  }, async context => {
    await using home = installation()
    await using children = new Children(tmpdir())
    const server = await startModelProcess(children)
    const workers = await Promise.all(
      Array.from({ length: 4 }, () => startWorker(children, home, server.url)),
    )
    const client = await home.engine({ tasks: [], roles: [], start: false })
    await submitAll(client)
    const begin = await until(async () => (await server.ledger()).calls[0]?.startedAt, 'first call')
    await passes(begin + 1.5 * turnMs)
    await server.addRules({
      answer: { is: 'rate-limited', retryAfter: retryAfterMs / 1_000 },
      key: refusedKey,
      times: 1,
    })
    const end = begin + (windows + 1) * turnMs
    await passes(end)

    const ledger = await server.ledger()
    for (const key of keys)
      expect(mostGranted(ledger.of({ key, refused: true })), `granted to ${key}`).toBeLessThanOrEqual(
        amountOf(key)[1],
      )
    const way = Math.max(...ledger.calls.map(call => call.startedAt - grantOf(call).to))
    const late = Math.max(...ledger.calls.map(call => call.startedAt - grantOf(call).from)) - spareMs
    const shares = keys.map(key => {
      const [amount, limit] = amountOf(key)
      const least = ledger.fullest(windowMs - Math.max(0, late), amount, { key })
      expect(least, `${amount} of ${key}`).toBeLessThanOrEqual(limit)
      return ledger.between(begin + turnMs, end, amount, { key }) / (windows * limit)
    })
    process.stderr.write(
      `shares used: ${shares.map(share => share.toFixed(3)).join(' ')}; longest way ${way} ms\n`,
    )
    const refused = ledger.calls.filter(({ status }) => status === 429)
    expect(refused.map(({ key }) => key)).toEqual([refusedKey])
    // Within a second the word of it has gone round; calls that had their place by then may still arrive.
    const heardOf = (refused[0]?.endedAt ?? 0) + 1_000
    const early = ledger.tooEarly().filter(call => grantOf(call).from > heardOf)
    expect(await retries(client)).toEqual([])
    const waits = await Promise.all(workers.map(longestWait))
    process.stderr.write(
      `longest wait in a slot, and lateness, by process: ${waits.map(({ ms, lateMs }) => `${ms.toFixed()} (${lateMs.toFixed()})`).join(', ')} ms\n`,
    )
    const tooLong = waits.filter(({ ms, lateMs }) => ms - lateMs >= longestInSlot + unmeasuredMs)
    const asking = Math.max(...ledger.calls.map(call => grantOf(call).to - grantOf(call).from))
    // Where a key was held back, that time is missing, and what the refused call had reserved.
    const held = keys.map(key => (key === refusedKey ? retryAfterMs / (windows * turnMs) + 0.05 : 0))
    const low = shares.filter((share, at) => share < 0.95 - (held[at] ?? 0))
    if (low.length + early.length + tooLong.length > 0 && Math.max(way, asking) > calmMs)
      context.skip(
        `Too busy here to judge how well limits are used, how long slots are held, and how soon a 429 is heard of: ${asking} ms to ask for a place, ${way} ms to the server.`,
      )
    expect(tooLong, 'waits in a slot').toEqual([])
    expect(early, 'calls after a 429').toEqual([])
    expect(low, 'shares that are too low').toEqual([])
  })
})

function startWorker(children: Children, home: Installation, modelUrl: string): Promise<Child> {
  const child = children.start('../../models/limits-process.mjs', {
    mongoUrl: home.databaseUrl,
    rabbitUrl: home.brokerUrl,
    prefix: home.prefix,
    modelUrl,
    limits,
    slots: 32,
  })
  return child.says('started').then(() => child)
}

/** More than the limits allow until the end. */
async function submitAll(client: Engine): Promise<void> {
  const perKey = perMinute * (windows + 2)
  const items = keys.flatMap((key, at) =>
    Array.from({ length: perKey * (at < 4 ? 1 : 2) }, (_, index) => ({
      key,
      prompt: `Prompt ${index} of ${key}`,
    })),
  )
  items.sort((a, b) => Number(a.prompt.split(' ')[1]) - Number(b.prompt.split(' ')[1]))
  for (let from = 0; from < items.length; from += 200) {
    const some = items.slice(from, from + 200)
    await client.submitMany(
      call,
      some.map(parameters => ({ parameters })),
    )
  }
}

/** Between which times a call got its place; the limiter says it to nobody, so it is known to a few milliseconds on a calm machine. */
function grantOf({ prompt }: Call): { from: number; to: number } {
  const [, from, to] = /granted at (\d+) to (\d+)/.exec(prompt) ?? []
  return { from: Number(from), to: Number(to) }
}

/** The most that was surely granted within one window: calls, or tokens where those are limited. */
function mostGranted(calls: readonly Call[]): number {
  const [amount] = amountOf(calls[0]?.key ?? '')
  const grants = calls.map(call => ({
    ...grantOf(call),
    amount: amount === 'calls' ? 1 : call.inputTokens + call.outputTokens,
  }))
  const within = ({ from }: { from: number }) =>
    grants
      .filter(grant => grant.from >= from && grant.to < from + windowMs)
      .reduce((sum, grant) => sum + grant.amount, 0)
  return Math.max(0, ...grants.map(within))
}

function passes(time: number): Promise<boolean> {
  return until(() => Date.now() > time, 'time to pass', 300_000, 100)
}

function amountOf(key: string): ['calls' | 'tokens', number] {
  const limit = limits[key]
  if (limit !== undefined && 'tokensPerMinute' in limit) return ['tokens', limit.tokensPerMinute]
  return ['calls', perMinute]
}

/** Why tasks were tried again: codes of errors. What was refused or had to wait is no retry. */
async function retries(client: Engine): Promise<string[]> {
  const codes: string[] = []
  for (let pageToken: string | undefined; ; ) {
    const page = await client.tasks.list(
      {},
      { pageSize: 200, ...(pageToken === undefined ? {} : { pageToken }) },
    )
    for (const { id, retryCount } of page.items) {
      if (retryCount > 0) codes.push(JSON.stringify(await client.tasks.attempts(id)))
    }
    pageToken = page.nextPageToken
    if (pageToken === undefined) return codes
  }
}

/** The longest that a worker held a slot for a wait, and how late its timers were at most; milliseconds. */
async function longestWait(worker: Child): Promise<{ ms: number; lateMs: number }> {
  worker.tell('waits')
  const { ms, lateMs } = await worker.says('longest')
  return { ms: Number(ms), lateMs: Number(lateMs) }
}
