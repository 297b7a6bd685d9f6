import { sharedValue } from '../browser/shared-value.ts'
import {
  drafts,
  unsent as prefix,
  readStored,
  sceneOfDraft,
  storedNames,
  writeStored,
} from '../browser/state.ts'
import type { Scene } from '../queries/novel-queries.ts'
import { type Draft, isSameTyped, isSavedIn, isWhole, newName, withSent } from './draft.ts'

/** An edit of a scene that a person saved while the server could not be reached, as it was then. */
export interface UnsentEdit extends Draft {
  novelId: string
  /** `queued`: waits for the server; `outrun`: somebody else changed the same meanwhile; `refused`: the server does not take it. */
  state: 'queued' | 'outrun' | 'refused'
  /** Why it was refused, in words for the person. */
  reason?: string
}

const all = sharedValue(readAll())

window.addEventListener('storage', ({ key }) => {
  if (key === null || key.startsWith(prefix)) all.set(readAll())
})

/** Returns the edits that are stored, the oldest first. They stay until they are sent or discarded, however old they are. */
function readAll(): readonly UnsentEdit[] {
  return storedNames(prefix)
    .flatMap(name => {
      const stored = readStored(name) as UnsentEdit | undefined
      return isWhole(stored) ? [{ ...stored, name }] : []
    })
    .toSorted((a, b) => a.at - b.at)
}

/** Writes one, or removes it, for all tabs. Returns whether that is stored. */
function put(name: string, edit: UnsentEdit | undefined): boolean {
  const isStored = writeStored(name, edit)
  all.set(readAll())
  return isStored
}

/** Returns all unsent edits of this browser, the oldest first. */
export function useUnsentEdits(): readonly UnsentEdit[] {
  return all.useValue()
}

/** Returns those that wait for the server, as they are stored now, the oldest first. */
export function queuedEdits(): UnsentEdit[] {
  return readAll().filter(({ state }) => state === 'queued')
}

/** Calls it whenever an unsent edit is kept, changed or removed. Returns an unsubscribe function. */
export const onUnsentChange = all.subscribe

/** Keeps what a person saved, to be sent, in place of the unsent edit that it goes on from. Undefined: this browser stores nothing more. */
export function queueEdit(draft: Draft, novelId: string): UnsentEdit | undefined {
  const { replaces, continues: _, ...rest } = draft
  const name = newName(prefix, sceneOfDraft(draft.name))
  const edit = { ...rest, name, novelId, sent: withSent(draft), state: 'queued', at: Date.now() } as const
  if (!put(name, edit)) return undefined
  if (replaces !== undefined) put(replaces, undefined)
  return edit
}

/** Returns the unsent edit that says what is typed already. */
export function unsentAs(draft: Draft, edits = all.get()): UnsentEdit | undefined {
  return edits.find(edit => edit.name === draft.replaces && isSameTyped(edit, draft))
}

/** Returns whether what is typed is in the novel: the unsent edit that it goes on from was sent. */
export function wasSent(draft: Draft, scene: Scene, edits = all.get()): boolean {
  const { replaces } = draft
  return replaces !== undefined && edits.every(({ name }) => name !== replaces) && isSavedIn(draft, scene)
}

/** Changes what is known of an edit, unless it was discarded or replaced meanwhile. */
export function markUnsent(edit: UnsentEdit, change: Partial<UnsentEdit>): void {
  if (readStored(edit.name) !== undefined) put(edit.name, { ...edit, ...change })
}

/** Removes an edit: it was sent, or the person does not want it. Returns whether it was still there. */
export function removeUnsent(name: string): boolean {
  const isThere = readStored(name) !== undefined
  put(name, undefined)
  return isThere
}

/** Puts back an edit that was discarded. */
export function keepUnsent(edit: UnsentEdit): void {
  put(edit.name, edit)
}

/** Returns what an editor begins with that goes on from an edit, which stays until that is saved. */
export function continueUnsent({ state: _, reason: __, ...edit }: UnsentEdit): Draft {
  return { ...edit, name: newName(drafts, sceneOfDraft(edit.name)), replaces: edit.name }
}

/** Makes unsaved changes of an edit: the text of somebody else stays in the novel, and the person may come back to their own. */
export function shelveUnsent(edit: UnsentEdit): Draft {
  const { replaces: _, ...draft } = continueUnsent(edit)
  const kept = { ...draft, at: Date.now() }
  // Its room is wanted for what takes its place.
  removeUnsent(edit.name)
  if (!writeStored(kept.name, kept)) keepUnsent(edit)
  return kept
}
