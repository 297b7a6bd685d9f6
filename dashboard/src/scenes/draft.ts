import { newIdempotencyKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { drafts, readStored, sceneOfDraft, storedNames, writeStored } from '../browser/state.ts'
import type { Scene } from '../queries/novel-queries.ts'

/** What of a scene a person changes. */
export type SceneEdit = components['schemas']['SceneEdit']

/** What of a scene is typed. */
export interface Typed {
  title: string
  content: string
}

/** What a person typed into a scene and has not saved. */
export interface Draft extends Typed {
  /** What it is stored under: each editor has a name of its own, so that no tab writes over what another one typed. */
  name: string
  /** The name of the draft that it was continued from. */
  continues?: string
  /** The version of the scene that they saw, and what it said. */
  version: number
  base: Typed
  /** What of it was sent, or waits to be: the novel may say so without this browser having heard. The newest last. */
  sent?: readonly Typed[]
  /** The name of the unsent edit that it goes on from. */
  replaces?: string
  /** Those of a novel go with it. Absent in what an earlier build kept. */
  novelId?: string
  /** Epoch milliseconds. */
  at: number
}

/** Returns a new name of something typed into a scene. `prefix`: that of unsaved changes, or of unsent edits. */
export function newName(prefix: string, sceneId: string): string {
  return `${prefix}${sceneId}.${newIdempotencyKey()}`
}

/** Unsaved changes are kept for this long after the last one; milliseconds. The text of a novel should not stay in a browser that nobody uses for it. */
const keptFor = 30 * 24 * 3_600_000

/** Returns what is stored under a name, unless it is too old, or has no time. */
export function storedDraft(name: string): Draft | undefined {
  const kept = readStored(name) as Draft | undefined
  return typeof kept?.at === 'number' && Date.now() - kept.at < keptFor ? { ...kept, name } : undefined
}

/** Of a scene at most so many drafts are kept. */
const mostOfScene = 10
/** UTF-16 code units of all drafts, with what they were typed on. A browser stores five million for all that a server's pages keep. */
const mostInAll = 2_000_000

/** Returns the drafts that are one too many of their scene, or too much in all. The newest stay. */
export function surplusDrafts(kept: readonly Draft[]): Draft[] {
  const ofScene = new Map<string, number>()
  let inAll = 0
  return kept
    .toSorted((a, b) => b.at - a.at)
    .filter(({ name, content, base, sent = [] }) => {
      const count = (ofScene.get(sceneOfDraft(name)) ?? 0) + 1
      ofScene.set(sceneOfDraft(name), count)
      inAll += [base, ...sent].reduce((sum, each) => sum + each.content.length, content.length)
      return count > mostOfScene || inAll > mostInAll
    })
}

/** Discards the unsaved changes that are too old, too many or unreadable. */
export function dropOldDrafts(): void {
  const names = storedNames(drafts)
  const kept = names.map(storedDraft).filter(draft => isWhole(draft))
  for (const name of names) if (!kept.some(draft => draft.name === name)) writeStored(name, undefined)
  for (const { name } of surplusDrafts(kept)) writeStored(name, undefined)
}

/** Returns whether something stored can be read as a draft. */
export function isWhole<T extends Draft>(kept: T | undefined): kept is T {
  return typeof kept?.content === 'string' && typeof kept.base?.content === 'string'
}

/** Returns the drafts of a scene in this browser that say something else than its text, of all tabs, the newest first. */
export function readDrafts({ id, title = '', content }: Scene): Draft[] {
  return storedNames(drafts)
    .filter(name => sceneOfDraft(name) === id)
    .map(storedDraft)
    .filter(draft => isWhole(draft))
    .filter(draft => draft.content !== content || draft.title !== title)
    .toSorted((a, b) => b.at - a.at)
}

/** Discards a draft as it was read. Where the tab that typed it has typed on since, it stays. */
export function discardDraft({ name, at }: Pick<Draft, 'name' | 'at'>): void {
  if (storedDraft(name)?.at === at) writeStored(name, undefined)
}

/** Returns whether a draft is still stored. */
export function isKept({ name }: Draft): boolean {
  return storedDraft(name) !== undefined
}

/** Takes a draft over into an editor of this tab. Where the tab that typed it is still open, that one stores its own again. */
export function continueDraft(draft: Draft, { id, novelId }: Scene): Draft {
  const own = { ...draft, name: newName(drafts, id), continues: draft.name, novelId }
  if (!writeStored(own.name, own)) return draft
  discardDraft(draft)
  return own
}

/** Returns what an editor of a scene begins with. */
export function draftOf({ id, title = '', content, version, novelId }: Scene): Draft {
  return {
    name: newName(drafts, id),
    title,
    content,
    version,
    base: { title, content },
    novelId,
    at: Date.now(),
  }
}

const parts = ['title', 'content'] as const

/** Returns whether two texts are the same. */
export function isSameTyped(one: Typed, other: Typed): boolean {
  return parts.every(part => one[part] === other[part])
}

/** Returns what the scene may say where nobody else changed it. */
const known = ({ base, sent = [] }: Draft): readonly Typed[] => [base, ...sent]

/** At most so many texts that were sent without an answer are remembered. */
const mostSent = 3

/** Returns what was sent of a draft once the text that it has now is sent. */
export function withSent({ sent = [], title, content }: Draft): Typed[] {
  const now = { title, content }
  return [...sent.filter(each => !isSameTyped(each, now)), now].slice(-mostSent)
}

/** Returns what the person changed of what they saw, and of what they sent since. */
export function editOf(draft: Draft): SceneEdit {
  const changed = parts.filter(part => known(draft).some(each => each[part] !== draft[part]))
  return Object.fromEntries(changed.map(part => [part, draft[part]]))
}

const typedOf = ({ title = '', content }: Scene): Typed => ({ title, content })

/** Returns whether somebody else changed the same as the person did. */
export function collides(draft: Draft, theirs: Scene): boolean {
  const edit = editOf(draft)
  const there = typedOf(theirs)
  return parts.some(
    part => edit[part] !== undefined && edit[part] !== there[part] && isOutrunIn(part, draft, there),
  )
}

/** Returns whether a scene says all that a person changed. */
export function isSavedIn(draft: Draft, theirs: Scene): boolean {
  const edit = editOf(draft)
  const there = typedOf(theirs)
  return parts.every(part => edit[part] === undefined || edit[part] === there[part])
}

/** Returns whether somebody else changed the text or the title since the person began. */
export function isOutrun(draft: Draft, scene: Scene): boolean {
  return parts.some(part => isOutrunIn(part, draft, typedOf(scene)))
}

function isOutrunIn(part: keyof Typed, draft: Draft, there: Typed): boolean {
  return known(draft).every(each => each[part] !== there[part])
}

/** Returns a draft as a change of what somebody else saved, which the person has seen and wants to write over. */
export function writtenOver<T extends Draft>(draft: T, theirs: Scene): T {
  const base = typedOf(theirs)
  const typed = { ...base, ...editOf(draft) }
  return { ...draft, ...typed, base, version: theirs.version, sent: [typed] }
}

/**
 * What is typed, once `sent` was saved: from then on it is a change of what was saved. Where somebody else changed what the person typed on,
 * it stays a change of what they saw, so that it collides.
 */
export function rebased({ sent: _, replaces: __, ...draft }: Draft, sent: Typed, scene: Scene): Draft {
  const saved = typedOf(scene)
  const after = (part: keyof Typed) => {
    if (draft[part] === sent[part]) return { typed: saved[part], base: saved[part], isSeen: true }
    const isSeen = saved[part] === sent[part]
    return { typed: draft[part], base: isSeen ? saved[part] : draft.base[part], isSeen }
  }
  const [ofTitle, ofContent] = [after('title'), after('content')]
  return {
    ...draft,
    title: ofTitle.typed,
    content: ofContent.typed,
    base: { title: ofTitle.base, content: ofContent.base },
    version: ofTitle.isSeen && ofContent.isSeen ? scene.version : draft.version,
  }
}
