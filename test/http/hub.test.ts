import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { eventMessage } from '../../src/broker/cloud-events.ts'
import { createBus } from '../../src/engine/listeners.ts'
import { type HttpOptions, resolveHttpSettings } from '../../src/http/settings.ts'
import { StreamHub } from '../../src/http/streams/hub.ts'
import { OutputStream } from '../../src/http/streams/output-stream.ts'
import { EventRing } from '../../src/http/streams/ring.ts'
import type { SequencedEvent, TaskEvent } from '../../src/task/events.ts'
import { until } from '../servers/until.ts'

/** A hub whose events come from elsewhere, as those of other processes do. */
function hubOf(options: HttpOptions = {}, isShared = false) {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const live = createBus(silent)
  const events = isShared ? createBus(silent) : live
  const listeners = new Set<() => void>()
  const onGap = (listener: () => void) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
  const warnings: string[] = []
  const log = { ...silent, warn: (_: unknown, text: string) => warnings.push(text) }
  const hub = new StreamHub({ live, events, onGap }, resolveHttpSettings(options), log)
  return {
    hub,
    warnings,
    tell: (...events: SequencedEvent[]) => {
      for (const event of events) live.emit(event as TaskEvent)
    },
    gap: () => {
      for (const listener of listeners) listener()
    },
    listening: () => listeners.size,
    watch: (lastEventId?: string, matches: (event: TaskEvent) => boolean = () => true) =>
      new Watcher(hub, lastEventId, matches),
  }
}

test('the events of other processes are heard once the server listens, those of one process once somebody watches', () => {
  for (const isShared of [true, false]) {
    const { hub, listening, watch } = hubOf({}, isShared)
    expect(listening()).toBe(0)
    hub.begin()
    hub.begin()
    expect(listening()).toBe(isShared ? 1 : 0)
    watch()
    expect(listening()).toBe(1)
    hub.close()
    expect(listening()).toBe(0)
  }
})

/** Reads one stream to the end of what was told. */
class Watcher {
  readonly #response = new PassThrough()
  #text = ''

  constructor(hub: StreamHub, lastEventId: string | undefined, matches: (event: TaskEvent) => boolean) {
    this.#response.on('data', (piece: Buffer) => {
      this.#text += piece.toString()
    })
    hub.open({ client: 'a', lastEventId, matches }, this.#response as never)
  }

  /** Each event as its task and version, a reset as its reason. */
  get told(): string[] {
    return [...this.#text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data = '{}']) => {
      const { taskId, version, reason } = JSON.parse(data) as Record<string, unknown>
      return event === 'reset' ? `reset ${String(reason)}` : `${String(taskId)} ${String(version)}`
    })
  }

  get lastId(): string {
    return [...this.#text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? ''
  }

  get text(): string {
    return this.#text
  }

  cut(): void {
    this.#response.destroy()
  }

  async hears(...told: string[]): Promise<void> {
    await until(() => this.told.length >= told.length, `${told.length} events`)
    expect(this.told).toEqual(told)
  }
}

const event = (taskId: string, version: number, sequence?: number): SequencedEvent => ({
  name: 'waiting',
  at: 0,
  taskId,
  taskType: 'T',
  userId: '',
  lane: 'default',
  version,
  attempt: 1,
  rootTaskId: taskId,
  phase: 'executing',
  ...(sequence === undefined ? {} : { sequence }),
})

const progress = (taskId: string, version: number, value: unknown = 0.5): SequencedEvent => {
  const { phase: _, ...base } = event(taskId, version) as SequencedEvent & { name: 'waiting' }
  return { ...base, name: 'progress', progress: value }
}

describe('events of other processes', () => {
  test('come once and in the order of their task, however often they arrive', async () => {
    const { tell, watch } = hubOf()
    const client = watch()
    tell(event('a', 1, 1), event('b', 1, 1), event('a', 2, 2))
    tell(event('a', 1, 1), event('a', 2, 2), event('a', 3, 3), event('b', 1, 1), event('b', 2, 2))
    await client.hears('a 1', 'b 1', 'a 2', 'a 3', 'b 2')
    expect(client.text).not.toContain('sequence')
  })

  test('progress that is older than what was told of its task is not told', async () => {
    const { tell, watch } = hubOf()
    const client = watch()
    tell(
      progress('a', 1),
      event('a', 2, 2),
      progress('a', 2),
      event('a', 3, 3),
      progress('a', 2),
      event('a', 4, 4),
    )
    await client.hears('a 1', 'a 2', 'a 2', 'a 3', 'a 4')
  })

  test('that have no numbers, because there is one process only, are all told', async () => {
    const { tell, watch } = hubOf()
    const client = watch()
    tell(event('a', 1), event('a', 1), event('a', 1))
    await client.hears('a 1', 'a 1', 'a 1')
  })

  test('that may have been missed are told by a reset in their place: now, and to who comes back later', async () => {
    const { tell, gap, watch } = hubOf()
    const client = watch()
    const narrow = watch(undefined, ({ taskId }) => taskId === 'other')
    tell(event('a', 1, 1))
    await client.hears('a 1')
    const before = client.lastId
    client.cut()
    gap()
    tell(event('a', 5, 5))
    await narrow.hears('reset gap')
    const again = watch(before)
    await again.hears('reset gap', 'a 5')
    const told = watch(again.lastId)
    tell(event('a', 6, 6))
    await told.hears('a 6')
  })

  test('come in order where many come at once, whatever a filter leaves out or has to look up', async () => {
    const { tell, watch } = hubOf()
    const lookedUp = ({ version }: TaskEvent) =>
      version % 50 === 1 ? Promise.resolve(true) : version % 3 !== 0
    const [all, some] = [watch(), watch(undefined, lookedUp as (event: TaskEvent) => boolean)]
    const versions = Array.from({ length: 300 }, (_, index) => index + 1)
    tell(...versions.map(version => event('a', version, version)))
    await all.hears(...versions.map(version => `a ${version}`))
    const wanted = versions.filter(version => version % 50 === 1 || version % 3 !== 0)
    await some.hears(...wanted.map(version => `a ${version}`))
    const again = watch(all.lastId)
    tell(event('a', 301, 301))
    await again.hears('a 301')
  })

  test('that may have been missed are not taken for told', async () => {
    const { hub, gap, watch } = hubOf()
    const client = watch()
    await until(() => client.lastId !== '', 'first id')
    expect(await hub.isLastFor(client.lastId, () => true)).toBe(true)
    gap()
    expect(await hub.isLastFor(client.lastId, () => false)).toBe(false)
  })

  test('count for a client that does not read, also while the store that tells whose they are is away', async () => {
    const { hub, tell } = hubOf({ streamBacklog: 1_000 })
    const response = new PassThrough({ highWaterMark: 1 })
    const matches = () => Promise.reject(new Error('the store is away'))
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    hub.open({ client: 'a', lastEventId: undefined, matches }, response as never)
    tell(...Array.from({ length: 10 }, (_, i) => event('a', i, i + 1)))
    await until(() => response.destroyed, 'end of the slow stream')
    await until(() => hub.places.counts.dropped === 1, 'dropped stream')
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  test('that have no text are left out and logged, by streams that are read and by those that are not', async () => {
    const { hub, tell, watch, warnings } = hubOf({ streamBacklog: 1_000 })
    const client = watch()
    const stuck = new PassThrough({ highWaterMark: 1 })
    hub.open({ client: 'b', lastEventId: undefined, matches: () => true }, stuck as never)
    const textless = { ...event('a', 2, 2), errorInfo: null } as unknown as SequencedEvent
    tell(event('a', 1, 1), textless, event('a', 3, 3))
    await client.hears('a 1', 'a 3')
    tell(event('a', 4, 4), ...Array.from({ length: 10 }, (_, index) => event('b', index, index + 1)))
    await until(() => stuck.destroyed, 'end of the slow stream')
    expect(client.told.slice(0, 3)).toEqual(['a 1', 'a 3', 'a 4'])
    expect(warnings).toEqual(['an event has no text; left out of all streams'])
  })

  test('are not listened to any more once the hub is closed', () => {
    const { hub, listening, watch } = hubOf()
    expect(listening()).toBe(0)
    watch()
    expect(listening()).toBe(1)
    hub.close()
    expect(listening()).toBe(0)
  })
})

describe('the ring', () => {
  test('knows what it heard of a task for as long as it keeps an event of it, and no longer', () => {
    const ring = new EventRing(3, 1_000_000)
    expect(ring.add(event('a', 1, 1))).toBe(true)
    expect(ring.add(event('b', 1, 1))).toBe(true)
    expect(ring.add(event('a', 2, 2))).toBe(true)
    // The first event of a goes; the second is still known.
    expect(ring.add(event('b', 2, 2))).toBe(true)
    expect(ring.add(event('a', 2, 2))).toBe(false)
    for (const sequence of [3, 4, 5]) expect(ring.add(event('b', sequence, sequence))).toBe(true)
    // Nothing of a is kept any more, so nobody can tell.
    expect(ring.add(event('a', 2, 2))).toBe(true)
  })

  test('keeps no more bytes than it may, whatever a task reports, and tells who comes back that some are missing', async () => {
    const { hub, tell, watch } = hubOf({ keptEvents: 1_000, keptBytes: 10_000_000 })
    const client = watch()
    tell(event('a', 1))
    await client.hears('a 1')
    client.cut()
    const large = (version: number) => progress('a', version, 'x'.repeat(500_000))
    tell(...Array.from({ length: 50 }, (_, index) => large(index + 2)))
    const kept = Array.from({ length: hub.ring.last }, (_, index) => hub.ring.at(index + 1)?.event)
    const characters = kept.reduce((sum, each) => sum + JSON.stringify(each ?? '').length, 0)
    expect(characters).toBeGreaterThan(1_000_000)
    expect(characters).toBeLessThan(5_000_000)
    expect(kept.at(-1)).toMatchObject({ version: 51 })
    expect(hub.ring.at(hub.ring.first)).toBeDefined()
    expect(hub.ring.at(hub.ring.first - 1)).toBeUndefined()
    await watch(client.lastId).hears('reset unknown-or-too-old')
    // One that is larger than all may be is kept alone.
    tell(progress('b', 1, { text: 'x'.repeat(20_000_000) }))
    expect([hub.ring.first, hub.ring.at(hub.ring.last)?.event?.taskId]).toEqual([hub.ring.last, 'b'])
    tell(event('c', 1), event('d', 1))
    expect(hub.ring.last - hub.ring.first).toBe(1)
  })

  test('writes an event once for all streams of a format, as the broker and webhooks have it, and counts what it keeps', () => {
    const ring = new EventRing(100, 10_000)
    const told = { ...event('a', 3, 3), isNewest: true }
    ring.add(told)
    const kept = ring.at(1)
    if (kept === undefined) throw new Error('The event is not kept.')
    const before = kept.size
    const text = ring.textOf(kept, 'cloudevents')
    expect(text).toBe(
      `id: ${ring.idOf(1)}\nevent: task.updated\ndata: ${eventMessage(event('a', 3, 3)).content}\n\n`,
    )
    expect(ring.textOf(kept)).not.toContain('specversion')
    expect(ring.textOf(kept, 'cloudevents')).toBe(text)
    expect(kept.size).toBe(before + 2 * text.length)
    ring.addGap()
    const [, reset = ''] = /^data: (.*)$/m.exec(ring.textOf(ring.at(2) ?? kept, 'cloudevents')) ?? []
    expect(JSON.parse(reset)).toMatchObject({
      ...{ specversion: '1.0', id: ring.idOf(2), type: 'dev.quillwork.stream.reset.v1' },
      data: { reason: 'gap' },
    })
  })

  test('forgets, with an event that it drops for its bytes, what it knew of the task', () => {
    const ring = new EventRing(100, 5_000)
    expect(ring.add(event('a', 1, 1))).toBe(true)
    expect(ring.add(progress('b', 1, 'x'.repeat(10_000)))).toBe(true)
    expect(ring.lastOf('a')).toBeUndefined()
    expect(ring.add(event('a', 1, 1))).toBe(true)
  })

  test('keeps what the store confirmed as the newest of its task whatever numbers came before it, once, and what follows', () => {
    const ring = new EventRing(100, 1_000_000)
    const confirmed = { ...event('a', 3, 3), isNewest: true }
    const end = { ...event('a', 5, 5), name: 'completed', status: 'COMPLETED' } as SequencedEvent
    expect(ring.add({ ...event('a', 3, 3), at: 7 })).toBe(true)
    expect(ring.add(confirmed)).toBe(true)
    expect(ring.add(event('a', 4, 4))).toBe(true)
    expect(ring.add(event('a', 2, 900))).toBe(true)
    expect(ring.add(confirmed)).toBe(true)
    expect(ring.add(confirmed)).toBe(false)
    expect(ring.add(event('a', 2, 2))).toBe(false)
    expect(ring.add(event('a', 4, 4))).toBe(true)
    expect(ring.add(event('a', 2, 900))).toBe(true)
    expect(ring.add({ ...end, isNewest: true })).toBe(true)
    expect(ring.add({ ...end, isNewest: true })).toBe(false)
    expect(ring.add(event('a', 6, 6))).toBe(true)
  })
})

test('a stream that ends while its client does not read takes the connection with it', () => {
  /** The socket takes nothing more after the first bytes. */
  const blocked = () => new PassThrough({ highWaterMark: 1 })
  const [events, output, read] = [blocked(), blocked(), new PassThrough()]
  const { hub } = hubOf()
  for (const response of [events, read])
    hub.open({ client: 'a', lastEventId: undefined, matches: () => true }, response as never)
  hub.close()
  expect([events.destroyed, read.destroyed, read.writableEnded]).toEqual([true, false, true])
  const stream = new OutputStream(output as never, () => undefined)
  stream.beat()
  stream.end('life')
  expect(output.destroyed).toBe(true)
})
