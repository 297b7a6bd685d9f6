import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBefore, type ScenePlace } from '../../../src/novel/library/shelf.ts'
import {
  type PlacedEvent,
  type PlacedThread,
  type Standing,
  standingAt,
  threadEventKinds,
} from '../../../src/novel/threads/thread.ts'

const at = (chapter: number, position = 0): ScenePlace => [chapter, position]

function event(kind: PlacedEvent['kind'], place?: ScenePlace, isQuoted = true): PlacedEvent {
  return { kind, scene: `${place}`, quotation: 'q', isQuoted, ...(place && { place }) }
}

const planted = event('planted', at(1))
const advanced = event('advanced', at(3))
const resolved = event('resolved', at(5))
const whole = { events: [planted, advanced, resolved], plantAt: at(1), resolveAt: at(4) }
const lost = { events: [event('planted', at(1), false)], plantAt: at(1) }

type Row = [what: string, thread: PlacedThread, place: ScenePlace, state: Standing['state'], mark?: string]

const rows: readonly Row[] = [
  ['before the scene that plants it', whole, at(0), 'planned'],
  ['at the scene that is to plant it', whole, at(1), 'planned', 'due'],
  ['behind that scene, within its chapter', whole, at(1, 1), 'open'],
  ['at the scene that is to resolve it', whole, at(4), 'open', 'due'],
  ['behind that scene', whole, at(4, 1), 'open', 'overdue'],
  ['at the scene that resolves it', whole, at(5), 'open', 'overdue'],
  ['behind that scene', whole, at(5, 1), 'resolved'],
  ['without a plan', { events: [planted, advanced] }, at(9), 'open'],
  ['without an event', { events: [], plantAt: at(1) }, at(1, 1), 'planned', 'overdue'],
  [
    'without an event, and only to be resolved',
    { events: [], resolveAt: at(1) },
    at(2),
    'planned',
    'overdue',
  ],
  ['when it goes on after it was resolved', { events: [resolved, event('advanced', at(6))] }, at(7), 'open'],
  [
    'with two events of a scene: the later one',
    { events: [planted, event('resolved', at(1))] },
    at(2),
    'resolved',
  ],
  ['with events in another order than the story', { events: [resolved, planted] }, at(6), 'resolved'],
  ['when the text lost the quotation', lost, at(2), 'planned', 'overdue'],
  ['when the scene is gone', { events: [event('planted')] }, at(9), 'planned'],
]

describe('how far a thread is', () => {
  it.each(rows)('%s', (_, thread, place, state, mark) => {
    const { isDue, isOverdue, ...found } = standingAt(thread, place)
    expect(found.state).toBe(state)
    expect({ isDue, isOverdue }).toEqual({ isDue: mark === 'due', isOverdue: mark === 'overdue' })
    expect(found.last === undefined).toBe(state === 'planned')
  })

  const place = fc.tuple(fc.nat(4), fc.nat(3)) as fc.Arbitrary<ScenePlace>
  const anyEvent = fc.record(
    {
      kind: fc.constantFrom(...threadEventKinds),
      scene: fc.string(),
      quotation: fc.string(),
      isQuoted: fc.boolean(),
      place,
    },
    { requiredKeys: ['kind', 'scene', 'quotation', 'isQuoted'] },
  ) as fc.Arbitrary<PlacedEvent>
  const anyThread = fc.record(
    { events: fc.array(anyEvent, { maxLength: 8 }), plantAt: place, resolveAt: place },
    { requiredKeys: ['events'] },
  ) as fc.Arbitrary<PlacedThread>

  it('depends on nothing at its place or behind it, and on nothing that the text does not have', () => {
    fc.assert(
      fc.property(anyThread, place, (thread, here) => {
        const counts = (each: PlacedEvent) =>
          each.isQuoted && each.place !== undefined && isBefore(each.place, here)
        const known = { ...thread, events: thread.events.filter(counts) }
        expect(standingAt(thread, here)).toEqual(standingAt(known, here))
      }),
    )
  })

  it('is that of the last event before the place, is open once it is planted, and is never both due and overdue', () => {
    fc.assert(
      fc.property(anyThread, place, (thread, here) => {
        const { state, isDue, isOverdue, last } = standingAt(thread, here)
        const before = thread.events.filter(
          each => each.isQuoted && each.place !== undefined && isBefore(each.place, here),
        )
        expect(state === 'planned').toBe(before.length === 0)
        expect(state === 'resolved').toBe(last?.kind === 'resolved')
        for (const each of before) expect(isBefore(last?.place ?? here, each.place ?? here)).toBe(false)
        expect(isDue && isOverdue && state === 'open').toBe(false)
        if (state === 'resolved') expect(isDue || isOverdue).toBe(false)
      }),
    )
  })

  it('becomes overdue by going on, and never by going back', () => {
    fc.assert(
      fc.property(anyThread, place, place, (thread, one, other) => {
        const [first, second] = isBefore(one, other) ? [one, other] : [other, one]
        const [then, later] = [standingAt(thread, first), standingAt(thread, second)]
        if (then.state === later.state && then.isOverdue && then.state === 'open')
          expect(later.isOverdue).toBe(true)
      }),
    )
  })
})
