/**
 * A thread of the story: what its author plans with it, and the events by which the text plants, advances and resolves it. An event is bound to a scene and
 * a quotation. How far a thread is at a place follows from both and is never stored.
 */
import { z } from 'zod'
import { id, isWhole, prose, title } from '../fields.ts'
import { isBefore, type ScenePlace } from '../library/shelf.ts'

/** The bounds of threads. Lengths are UTF-16 code units. */
export const threadBounds = {
  /** Threads of a novel. */
  threads: 200,
  plan: 4_000,
  note: 8_000,
  /** Events of a thread. */
  events: 50,
  quotation: 500,
} as const

/** What a scene does with a thread. */
export const threadEventKinds = ['planted', 'advanced', 'resolved'] as const

/** How far a thread is at a place. */
export const threadStates = ['planned', 'open', 'resolved'] as const

/** A scene of the novel; empty for none. */
const scene = z.union([id, z.literal('')])

const event = z.strictObject({
  scene: id,
  kind: z.enum(threadEventKinds),
  /** Where the text does it, in its own words; white space, quotation marks and dashes may differ. */
  quotation: prose(threadBounds.quotation).refine(text => text.trim() !== '', 'an event has a quotation'),
})

/** The fields of a thread that a person writes, each with its bounds. */
export const threadShape = {
  title: title.refine(isWhole, 'a title has no half of a surrogate pair'),
  /** What prompts say of it once it is open. */
  plan: prose(threadBounds.plan),
  /** Of the author, for the author: no model ever gets it. */
  note: prose(threadBounds.note),
  /** The scene that is to plant it; empty for any. */
  plantBy: scene,
  /** The scene that is to resolve it; empty for any. */
  resolveBy: scene,
  /** In the order in which they are made where two are of the same scene. */
  events: z.array(event).max(threadBounds.events),
}

/** A whole thread as it is to be kept. */
export const threadFields = z.strictObject(threadShape)

/** A thread as a person writes it; all but its title has a default. */
export const threadToWrite = z.strictObject({
  title: threadShape.title,
  plan: threadShape.plan.default(''),
  note: threadShape.note.default(''),
  plantBy: threadShape.plantBy.default(''),
  resolveBy: threadShape.resolveBy.default(''),
  events: threadShape.events.default([]),
})

/** The fields of a thread that a person writes. */
export type ThreadFields = z.output<typeof threadFields>

/** What a scene does with a thread. */
export type ThreadEvent = ThreadFields['events'][number]

/** An event with its place. */
export interface PlacedEvent extends ThreadEvent {
  /** Absent where the scene is gone. */
  readonly place?: ScenePlace
  /** The text of the scene has the quotation. */
  readonly isQuoted: boolean
}

/** What of a thread decides how far it is. */
export interface PlacedThread {
  readonly events: readonly PlacedEvent[]
  /** The places where it is to be planted and resolved; absent for any, and where the scene is gone. */
  readonly plantAt?: ScenePlace
  readonly resolveAt?: ScenePlace
}

/** How far a thread is at a place. */
export interface Standing {
  readonly state: (typeof threadStates)[number]
  /** The scene that was to plant or resolve it is past. */
  readonly isOverdue: boolean
  /** The scene at this place is to plant or to resolve it. */
  readonly isDue: boolean
  /** The event that brought it there; absent while it is planned. */
  readonly last?: PlacedEvent
}

/**
 * Returns how far a thread is right before a place: what the text before it does, by the last event there whose quotation the text still has. Nothing at or
 * behind the place counts. A thread that goes on after it was resolved is open again.
 */
export function standingAt({ events, plantAt, resolveAt }: PlacedThread, place: ScenePlace): Standing {
  const isPast = (at: ScenePlace | undefined) => at !== undefined && isBefore(at, place)
  let last: PlacedEvent | undefined
  for (const each of events) {
    if (!each.isQuoted || each.place === undefined || !isPast(each.place)) continue
    if (last?.place === undefined || !isBefore(each.place, last.place)) last = each
  }
  if (last === undefined)
    return {
      state: 'planned',
      isOverdue: isPast(plantAt) || isPast(resolveAt),
      isDue: isSamePlace(plantAt, place),
    }
  if (last.kind === 'resolved') return { state: 'resolved', isOverdue: false, isDue: false, last }
  return { state: 'open', isOverdue: isPast(resolveAt), isDue: isSamePlace(resolveAt, place), last }
}

function isSamePlace(one: ScenePlace | undefined, other: ScenePlace): boolean {
  return one !== undefined && one[0] === other[0] && one[1] === other[1]
}

/** Returns a text with its white space as single blanks. */
export function oneLine(text: string): string {
  return text.replace(/\s+/gu, ' ').trim()
}
