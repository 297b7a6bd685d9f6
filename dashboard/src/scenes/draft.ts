import { useWindowEvent } from '@mantine/hooks'
import { useRef, useState } from 'react'
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
  /** Those of a novel go with it. Absent in what an earlier build kept. */
  novelId?: string
  /** Epoch milliseconds. */
  at: number
}

const newName = (sceneId: string) => `${drafts}${sceneId}.${newIdempotencyKey()}`

/** Unsaved changes are kept for this long after the last one; milliseconds. The text of a novel should not stay in a browser that nobody uses for it. */
const keptFor = 30 * 24 * 3_600_000

/** Returns what is stored under a name, unless it is too old, or has no time. */
function storedDraft(name: string): Draft | undefined {
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
    .filter(({ name, content, base }) => {
      const count = (ofScene.get(sceneOfDraft(name)) ?? 0) + 1
      ofScene.set(sceneOfDraft(name), count)
      inAll += content.length + base.content.length
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

function isWhole(kept: Draft | undefined): kept is Draft {
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
  const own = { ...draft, name: newName(id), continues: draft.name, novelId }
  if (!writeStored(own.name, own)) return draft
  discardDraft(draft)
  return own
}

/** Returns what an editor of a scene begins with. */
export function draftOf({ id, title = '', content, version, novelId }: Scene): Draft {
  return { name: newName(id), title, content, version, base: { title, content }, novelId, at: Date.now() }
}

/** Returns what the person changed of what they saw. */
export function editOf({ title, content, base }: Draft): SceneEdit {
  return {
    ...(title === base.title ? {} : { title }),
    ...(content === base.content ? {} : { content }),
  }
}

/** Returns whether somebody else changed the same as the person did. */
export function collides(draft: Draft, theirs: Scene): boolean {
  const { title, content } = editOf(draft)
  const isOtherTitle = title !== undefined && (theirs.title ?? '') !== draft.base.title
  const isOtherText = content !== undefined && theirs.content !== draft.base.content
  return (isOtherTitle && theirs.title !== title) || (isOtherText && theirs.content !== content)
}

/** Returns whether there is anything to save. */
function isChanged(draft: Draft): boolean {
  return Object.keys(editOf(draft)).length > 0
}

/**
 * What is typed, once `sent` was saved: from then on it is a change of what was saved. Where somebody else changed what the person typed on,
 * it stays a change of what they saw, so that it collides.
 */
export function rebased(draft: Draft, sent: Typed, { title = '', content, version }: Scene): Draft {
  const saved = { title, content }
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
    version: ofTitle.isSeen && ofContent.isSeen ? version : draft.version,
  }
}

/** Returns what is typed, kept in the browser at each change: a tab may be closed at any time. */
export function useDraft(first: Draft) {
  const [draft, setDraft] = useState(first)
  // What a save that ends compares with: it began with an older one, and the editor may be closed by then.
  const newest = useRef(first)
  const storedAt = useRef(first.at)
  const { name } = first
  const drop = () => discardDraft({ name, at: storedAt.current })
  useWindowEvent('storage', ({ key, newValue }) => {
    if (key !== name || newValue !== null || !isChanged(newest.current)) return
    // Another tab continues what was typed here. What is typed here stays, too.
    const isTaken = storedNames(drafts).some(each => storedDraft(each)?.continues === name)
    if (isTaken) writeStored(name, newest.current)
  })
  const put = (next: Draft): boolean => {
    newest.current = next
    setDraft(next)
    const isMore = isChanged(next)
    if (!isMore) drop()
    else if (writeStored(name, next)) storedAt.current = next.at
    return isMore
  }
  return {
    draft,
    isChanged: isChanged(draft),
    drop,
    /** Returns whether the browser has what is typed: not where it can store nothing, or another tab has stored its own since. */
    isStored: () => storedDraft(name)?.at === newest.current.at,
    type: (part: Partial<Typed>) => put({ ...newest.current, ...part, at: Date.now() }),
    /** Continues from what was saved. Returns whether anything was typed since it was sent. */
    rebase: (sent: Typed, saved: Scene) => put(rebased(newest.current, sent, saved)),
  }
}
