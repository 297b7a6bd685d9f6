import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { streamStands } from '../api/client.ts'
import { useTokenIsWanted } from '../api/token.ts'
import { LiveCache, type LiveMessage, messageOf } from './apply.ts'
import { readStream } from './read-stream.ts'
import { recentEvents } from './recent-events.ts'

/** How the stream of events stands. `stale`: it broke; `refused`: a token is wanted, or something before the server refuses it. Both are tried again. */
type StreamState = 'live' | 'stale' | 'refused'

/** How fresh what is shown is. `starting`: the stream is not there yet. */
interface LiveState {
  readonly state: 'starting' | StreamState
  /** Epoch milliseconds: since when it is so. */
  readonly since: number
}

const LiveContext = createContext<LiveState>({ state: 'starting', since: 0 })

/** Keeps all that is shown up to date with the server, for everything below it. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const wantsToken = useTokenIsWanted()
  const [state, setState] = useState<LiveState>(() => ({ state: 'starting', since: Date.now() }))

  useEffect(() => {
    if (wantsToken) return
    const cache = new LiveCache(queries)
    const change = (to: LiveState['state']) =>
      setState(now => (now.state === to ? now : { state: to, since: Date.now() }))
    let before: StreamState = 'stale'
    const close = openChannel({
      onMessages(messages) {
        cache.take(messages)
        recentEvents.take(messages)
      },
      onState(state) {
        change(state)
        recentEvents.noteConnection(state === 'live')
        const hasRead = state !== 'stale' && streamStands()
        // What was read before the stream stood may have changed in between.
        if (state === 'live' && before !== 'live' && hasRead) cache.missed()
        before = state
      },
    })
    return () => {
      close()
      recentEvents.clear()
      change('starting')
    }
  }, [queries, wantsToken])

  return <LiveContext value={state}>{children}</LiveContext>
}

/** Returns how fresh what is shown is. */
export function useLive(): LiveState {
  return useContext(LiveContext)
}

/** A message between the tabs of a browser. */
type TabMessage =
  | { kind: 'messages'; messages: LiveMessage[] }
  | { kind: 'state'; state: StreamState }
  | { kind: 'who' }

/** What a tab does with the messages. */
interface ChannelListener {
  onMessages: (messages: readonly LiveMessage[]) => void
  onState: (state: StreamState) => void
}

/** Milliseconds over which messages are gathered before they are passed on: at most four repaints a second. */
const gatherMs = 250
const channelName = 'quillwork.live'

/**
 * One stream of events for all tabs of a browser, since a browser opens few connections to one server. The tab that holds the lock
 * reads the stream and notifies the others; when it closes, another one gets the lock and continues after the last event that it received.
 * Returns a function that ends the part of this tab.
 */
function openChannel(listener: ChannelListener): () => void {
  const leaving = new AbortController()
  // Over plain HTTP from another machine a browser has no locks: then each tab reads a stream of its own.
  const channel = 'locks' in navigator ? new BroadcastChannel(channelName) : undefined
  let lastEventId: string | undefined
  let state: StreamState = 'stale'

  const take = (messages: readonly LiveMessage[]) => {
    lastEventId = messages.at(-1)?.id ?? lastEventId
    listener.onMessages(messages)
  }
  const takeState = (changed: StreamState) => {
    state = changed
    listener.onState(changed)
  }
  const post = (message: TabMessage) => channel?.postMessage(message)
  let isLeader = false
  const onMessage = ({ data }: MessageEvent<TabMessage>) => {
    if (data.kind === 'messages') take(data.messages)
    else if (data.kind === 'state') takeState(data.state)
    else if (isLeader) post({ kind: 'state', state })
  }
  channel?.addEventListener('message', onMessage)

  const lead = async () => {
    isLeader = true
    const gathered = gather(messages => {
      post({ kind: 'messages', messages })
      take(messages)
    })
    const tellState = (changed: StreamState) => {
      post({ kind: 'state', state: changed })
      takeState(changed)
    }
    // No event says where the tab that led before has read up to: what happened since may be missed, and is read again once the stream stands.
    if (lastEventId === undefined && state === 'live') tellState('stale')
    // Events that are still gathered were not passed on yet: a new leader reads them again.
    let readUpTo = lastEventId
    await readStream({
      path: '/v1/events',
      lastEventId: () => readUpTo,
      signal: leaving.signal,
      onState: isOpen => tellState(isOpen ? 'live' : 'stale'),
      onRefused: () => tellState('refused'),
      onEvent({ event = '', id = '', data }) {
        readUpTo = id === '' ? readUpTo : id
        const message = messageOf(event, id, data)
        if (message !== undefined) gathered(message)
      },
    })
  }

  const leading =
    channel === undefined ? lead() : navigator.locks.request(channelName, { signal: leaving.signal }, lead)
  leading
    .catch(() => undefined)
    .finally(() => {
      isLeader = false
    })
  post({ kind: 'who' })
  return () => {
    leaving.abort()
    channel?.close()
  }
}

/** Gathers messages and passes them on together. */
function gather(pass: (messages: LiveMessage[]) => void): (message: LiveMessage) => void {
  let waiting: LiveMessage[] = []
  let isPlanned = false
  return message => {
    waiting.push(message)
    if (isPlanned) return
    isPlanned = true
    setTimeout(() => {
      isPlanned = false
      const messages = waiting
      waiting = []
      pass(messages)
    }, gatherMs)
  }
}
