import { useWindowEvent } from '@mantine/hooks'
import { useRef, useState } from 'react'
import { defined } from '../../../src/task/defined.ts'
import { drafts, storedNames, writeStored } from '../browser/state.ts'
import type { Scene } from '../queries/novel-queries.ts'
import { type Draft, discardDraft, editOf, rebased, storedDraft, type Typed, writtenOver } from './draft.ts'
import { type UnsentEdit, unsentAs, useUnsentEdits, wasSent } from './unsent.ts'

/** Returns whether there is anything to save that neither was sent nor waits to be. What was refused, or is outrun, can be saved as it is. */
function isToSave(draft: Draft, scene: Scene, edits?: readonly UnsentEdit[]): boolean {
  const hasEdit = Object.keys(editOf(draft)).length > 0
  return hasEdit && unsentAs(draft, edits)?.state !== 'queued' && !wasSent(draft, scene, edits)
}

/** Returns whether there is anything to save that no unsent edit keeps. */
function isChanged(draft: Draft, scene: Scene, edits?: readonly UnsentEdit[]): boolean {
  return isToSave(draft, scene, edits) && unsentAs(draft, edits) === undefined
}

/** Returns what is typed, kept in the browser at each change: a tab may be closed at any time. */
export function useDraft(first: Draft, scene: Scene) {
  const [draft, setDraft] = useState(first)
  const [isFull, setIsFull] = useState(false)
  // What a save that ends compares with: it began with an older one, and the editor may be closed by then.
  const newest = useRef(first)
  const storedAt = useRef(first.at)
  const { name } = first
  const edits = useUnsentEdits()
  const drop = () => discardDraft({ name, at: storedAt.current })
  useWindowEvent('storage', ({ key, newValue }) => {
    if (key !== name || newValue !== null || !isChanged(newest.current, scene)) return
    // Another tab continues what was typed here. What is typed here stays, too.
    const isTaken = storedNames(drafts).some(each => storedDraft(each)?.continues === name)
    if (isTaken) writeStored(name, newest.current)
  })
  const put = (next: Draft): boolean => {
    newest.current = next
    setDraft(next)
    const isMore = isChanged(next, scene)
    const isStored = isMore && writeStored(name, next)
    if (!isMore) drop()
    else if (isStored) storedAt.current = next.at
    setIsFull(isMore && !isStored)
    return isMore
  }
  return {
    draft,
    isChanged: isChanged(draft, scene, edits),
    isToSave: isToSave(draft, scene, edits),
    /** The browser stores nothing more: what is typed lasts as long as the page. */
    isFull,
    drop,
    /** Stores what is typed, also where nothing was typed yet. Returns it. */
    keep() {
      put(newest.current)
      return newest.current
    },
    /** Writes over what somebody else saved, which the person has seen. Returns what is typed then. */
    writeOver(theirs: Scene) {
      put(writtenOver(newest.current, theirs))
      return newest.current
    },
    /** Returns whether the browser has what is typed: not where it can store nothing, or another tab has stored its own since. */
    isStored: () => storedDraft(name)?.at === newest.current.at,
    type: (part: Partial<Typed>) => put({ ...newest.current, ...part, at: Date.now() }),
    /** Continues from what was saved. Returns whether anything was typed since it was sent. */
    rebase: (sent: Typed, saved: Scene) => put(rebased(newest.current, sent, saved)),
    /** Continues from what was sent without an answer. `replaces`: the unsent edit that it is now. Returns whether anything was typed since. */
    handOver: (sent: readonly Typed[], replaces = newest.current.replaces) =>
      put({ ...newest.current, sent, ...defined({ replaces }) }),
  }
}
