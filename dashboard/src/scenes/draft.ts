import { useCallback, useEffect, useState } from 'react'
import type { Scene } from '../queries/scene-queries.ts'
import type { SceneEdit } from './use-write.ts'

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
  /** Epoch milliseconds. */
  at: number
}

const placeOf = (sceneId: string) => `quillwork.draft.${sceneId}`

/** The unsaved changes of a scene in this browser; undefined where there are none. */
export function readDraft({ id, title = '', content }: Scene): Draft | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(placeOf(id)) ?? 'null') as Draft | null
    const isWhole = typeof kept?.content === 'string' && typeof kept.base?.content === 'string'
    return isWhole && (kept.content !== content || kept.title !== title) ? kept : undefined
  } catch {
    return undefined
  }
}

/** Keeps the unsaved changes of a scene in this browser. */
function keepDraft(sceneId: string, draft: Draft): void {
  try {
    localStorage.setItem(placeOf(sceneId), JSON.stringify(draft))
  } catch {
    // No storage, or none left: leaving the page still warns.
  }
}

/** Forgets the unsaved changes of a scene. */
export function forgetDraft(sceneId: string): void {
  try {
    localStorage.removeItem(placeOf(sceneId))
  } catch {
    // Then there is none.
  }
}

/** What an editor of a scene begins with. */
export function draftOf({ title = '', content, version }: Scene): Draft {
  return { title, content, version, base: { title, content }, at: Date.now() }
}

/** What the person changed of what they saw. */
export function editOf({ title, content, base }: Draft): SceneEdit {
  return {
    ...(title === base.title ? {} : { title }),
    ...(content === base.content ? {} : { content }),
  }
}

/** Whether somebody else changed the same as the person did. */
export function collides(draft: Draft, theirs: Scene): boolean {
  const { title, content } = editOf(draft)
  const isOtherTitle = title !== undefined && (theirs.title ?? '') !== draft.base.title
  const isOtherText = content !== undefined && theirs.content !== draft.base.content
  return (isOtherTitle && theirs.title !== title) || (isOtherText && theirs.content !== content)
}

/** What is typed, kept in the browser at each change: a tab may be closed at any time. */
export function useDraft(sceneId: string, first: Draft) {
  const [draft, setDraft] = useState(first)
  const isChanged = Object.keys(editOf(draft)).length > 0
  useEffect(() => {
    if (isChanged) keepDraft(sceneId, draft)
    else forgetDraft(sceneId)
  }, [sceneId, draft, isChanged])
  const type = useCallback(
    (part: Partial<Typed>) => setDraft(now => ({ ...now, ...part, at: Date.now() })),
    [],
  )
  return { draft, isChanged, type }
}
