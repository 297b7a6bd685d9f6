import { useRef, useState } from 'react'
import type { components } from '../api/schema.ts'
import { drafts, readStored, storedNames, writeStored } from '../browser/state.ts'
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
  /** The version of the scene that they saw, and what it said. */
  version: number
  base: Typed
  /** Those of a novel go with it. Absent in what an earlier build kept. */
  novelId?: string
  /** Epoch milliseconds. */
  at: number
}

const placeOf = (sceneId: string) => `${drafts}${sceneId}`

/** Unsaved changes are kept for this long after the last one; milliseconds. The text of a novel should not stay in a browser that nobody uses for it. */
const keptFor = 30 * 24 * 3_600_000

/** Returns what is stored under a name, unless it is too old, or has no time. */
function storedDraft(name: string): Draft | undefined {
  const kept = readStored(name) as Draft | undefined
  return typeof kept?.at === 'number' && Date.now() - kept.at < keptFor ? kept : undefined
}

/** Discards the unsaved changes that are too old. */
export function dropOldDrafts(): void {
  for (const name of storedNames(drafts)) if (storedDraft(name) === undefined) writeStored(name, undefined)
}

/** Returns the unsaved changes of a scene in this browser; undefined where there are none. */
export function readDraft({ id, title = '', content }: Scene): Draft | undefined {
  const kept = storedDraft(placeOf(id))
  const isWhole = typeof kept?.content === 'string' && typeof kept.base?.content === 'string'
  return isWhole && (kept.content !== content || kept.title !== title) ? kept : undefined
}

/** Discards the unsaved changes of a scene that are of a time, `at`. Those of another tab, which are of another time, stay. */
export function discardDraft(sceneId: string, at: number): void {
  const place = placeOf(sceneId)
  if (storedDraft(place)?.at === at) writeStored(place, undefined)
}

/** Returns what an editor of a scene begins with. */
export function draftOf({ title = '', content, version, novelId }: Scene): Draft {
  return { title, content, version, base: { title, content }, novelId, at: Date.now() }
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
export function useDraft(sceneId: string, first: Draft) {
  const [draft, setDraft] = useState(first)
  // What a save that ends compares with: it began with an older one, and the editor may be closed by then.
  const newest = useRef(first)
  const storedAt = useRef(first.at)
  const drop = () => discardDraft(sceneId, storedAt.current)
  const put = (next: Draft): boolean => {
    newest.current = next
    setDraft(next)
    const isMore = isChanged(next)
    if (!isMore) drop()
    else if (writeStored(placeOf(sceneId), next)) storedAt.current = next.at
    return isMore
  }
  return {
    draft,
    isChanged: isChanged(draft),
    drop,
    /** Returns whether the browser has what is typed: not where it can store nothing, or another tab has stored its own since. */
    isStored: () => storedDraft(placeOf(sceneId))?.at === newest.current.at,
    type: (part: Partial<Typed>) => put({ ...newest.current, ...part, at: Date.now() }),
    /** Continues from what was saved. Returns whether anything was typed since it was sent. */
    rebase: (sent: Typed, saved: Scene) => put(rebased(newest.current, sent, saved)),
  }
}
