import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { sceneOfDraft } from '../browser/state.ts'
import { useLive } from '../live/live.tsx'
import { sleep } from '../live/read-stream.ts'
import { notifyDone } from '../parts/notify.tsx'
import { useErrorText } from '../parts/states.tsx'
import { readSceneAgain } from '../queries/novel-queries.ts'
import { isRefusal, saveDraft } from './save-draft.ts'
import {
  markUnsent,
  onUnsentChange,
  queuedEdits,
  removeUnsent,
  type UnsentEdit,
  useUnsentEdits,
} from './unsent.ts'

/** Milliseconds between two tries while the server is there and takes nothing; it grows to the longest. */
const firstPauseMs = 5_000
const longestPauseMs = 40_000

/** Of the tabs of a browser the one that holds this lock sends. */
const lockName = 'quillwork.unsent'

/** Sends the edits that wait, as soon as the server can be reached. Returns why the last try failed, in words for the person. */
export function useSendUnsent(): string | undefined {
  const t = useTranslations('unsent')
  const textOf = useErrorText()
  const queries = useQueryClient()
  const { state } = useLive()
  const [failure, setFailure] = useState<string>()
  const edits = useUnsentEdits()
  const isWanted = edits.some(edit => edit.state === 'queued')
  useReadOthers(edits)
  // Where something refuses the stream alone, saves may pass.
  const isThere = state === 'live' || state === 'refused'
  const isStarting = state === 'starting'
  const onFailed = useEffectEvent((edit: UnsentEdit, error: unknown) => {
    if (isRefusal(error)) markUnsent(edit, { state: 'refused', reason: textOf(error) })
    else setFailure(textOf(error))
  })
  const onSent = useEffectEvent(() => {
    setFailure(undefined)
    notifyDone(t('sent'))
  })
  useEffect(() => {
    if (isStarting || !isWanted) return
    const leaving = new AbortController()
    const { signal } = leaving
    void inTurn(() => sendAll(queries, { isThere, signal, onSent, onFailed }), signal)
    return () => {
      leaving.abort()
      setFailure(undefined)
    }
  }, [isStarting, isThere, isWanted, queries])
  return isWanted ? failure : undefined
}

/** Reads the scenes of edits again that another tab sent, or that met another text there. */
function useReadOthers(edits: readonly UnsentEdit[]): void {
  const queries = useQueryClient()
  const before = useRef(edits)
  useEffect(() => {
    const isThere = ({ name, state }: UnsentEdit) =>
      edits.some(each => each.name === name && each.state === state)
    const gone = before.current.filter(edit => !isThere(edit))
    before.current = edits
    for (const { name, novelId } of gone) void readSceneAgain(queries, { id: sceneOfDraft(name), novelId })
  }, [edits, queries])
}

/** Where a browser has no locks, as over plain HTTP from another machine, each tab sends: the second one finds the text in the novel. */
async function inTurn(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  if (!('locks' in navigator)) return work()
  // Rejects where the tab is left before its turn comes.
  await navigator.locks.request(lockName, { signal }, work).catch(() => undefined)
}

interface Sending {
  /** The stream of events says that the server is there. */
  isThere: boolean
  signal: AbortSignal
  onSent: () => void
  onFailed: (edit: UnsentEdit, error: unknown) => void
}

/** Sends the edits that wait, again and again until none does. Where the stream is down, saves may pass all the same, but not soon. */
async function sendAll(queries: QueryClient, sending: Sending): Promise<void> {
  const { isThere, signal } = sending
  const shortest = isThere ? firstPauseMs : longestPauseMs
  if (!isThere) await sleep(longestPauseMs, signal)
  for (let pause = shortest; !signal.aborted; ) {
    const tried = await sendEach(queries, sending)
    if (queuedEdits().length === 0) return
    const isMore = await restUnlessQueued(pause, tried, signal)
    pause = isMore ? shortest : Math.min(pause * 2, longestPauseMs)
  }
}

/** Sends one edit after the other, the oldest first. Returns the names of those that were tried and still wait. */
async function sendEach(queries: QueryClient, { signal, onSent, onFailed }: Sending): Promise<string[]> {
  const left: string[] = []
  const queued = (name: string) => queuedEdits().find(edit => edit.name === name)
  for (const { name } of queuedEdits()) {
    // Meanwhile the person may have discarded it, or gone on from it.
    const edit = queued(name)
    if (edit === undefined) continue
    if (signal.aborted) break
    try {
      const saving = await saveDraft(queries, edit)
      if ('theirs' in saving) markUnsent(edit, { state: 'outrun' })
      else if (removeUnsent(name)) onSent()
    } catch (error) {
      onFailed(edit, error)
    }
    if (queued(name) !== undefined) left.push(name)
  }
  return left
}

/** Waits for a time, or until an edit waits that was not tried. Returns whether there is one. */
async function restUnlessQueued(ms: number, tried: readonly string[], signal: AbortSignal): Promise<boolean> {
  const isMore = () => queuedEdits().some(({ name }) => !tried.includes(name))
  if (isMore()) return true
  const more = new AbortController()
  const unsubscribe = onUnsentChange(() => isMore() && more.abort())
  await sleep(ms, AbortSignal.any([signal, more.signal]))
  unsubscribe()
  return isMore()
}
