import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { streamStands } from '../api/client.ts'
import { useTokenIsWanted } from '../api/token.ts'
import { LiveCache, type LiveMessage, messageOf } from './apply.ts'
import { readStream } from './read-stream.ts'

/** How fresh what is shown is. `starting`: the stream is not there yet; `stale`: it broke, and is being made again. */
interface LiveState {
  readonly state: 'starting' | 'live' | 'stale' | 'refused'
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
    let wasOpen = false
    return openChannel({
      onMessages: messages => cache.take(messages),
      onState(isOpen) {
        change(isOpen ? 'live' : 'stale')
        // What was read before the stream stood may have changed in between.
        if (isOpen && !wasOpen && streamStands()) cache.missed()
        wasOpen = isOpen
      },
      onRefused() {
        streamStands()
        change('refused')
      },
    })
  }, [queries, wantsToken])

  return <LiveContext value={state}>{children}</LiveContext>
}

/** How fresh what is shown is. */
export function useLive(): LiveState {
  return useContext(LiveContext)
}

/** What the tabs of a browser tell each other. */
type Told =
  | { kind: 'messages'; messages: LiveMessage[] }
  | { kind: 'state'; isOpen: boolean }
  | { kind: 'who' }

/** What a tab does with what is told. */
interface ChannelListener {
  onMessages: (messages: readonly LiveMessage[]) => void
  onState: (isOpen: boolean) => void
  /** The server refuses the stream: a token is wanted, or there is something between us and it. */
  onRefused: (error: unknown) => void
}

/** Milliseconds over which messages are gathered before they are told: at most four repaints a second. */
const gatherMs = 250
const channelName = 'quillwork.live'

/**
 * One stream of events for all tabs of a browser, since a browser opens few connections to one server. The tab that holds the lock
 * reads the stream and tells the others; when it closes, another one gets the lock and goes on after the last event that it was told.
 * Returns a function that ends the part of this tab.
 */
function openChannel(listener: ChannelListener): () => void {
  const leaving = new AbortController()
  // Over plain HTTP from another machine a browser has no locks: then each tab reads a stream of its own, and tells nobody.
  const channel = 'locks' in navigator ? new BroadcastChannel(channelName) : undefined
  let lastEventId: string | undefined
  let isOpen = false

  const take = (messages: readonly LiveMessage[]) => {
    lastEventId = messages.at(-1)?.id ?? lastEventId
    listener.onMessages(messages)
  }
  const takeState = (state: boolean) => {
    isOpen = state
    listener.onState(state)
  }
  const tell = (told: Told) => channel?.postMessage(told)
  let isLeader = false
  const onTold = ({ data }: MessageEvent<Told>) => {
    if (data.kind === 'messages') take(data.messages)
    else if (data.kind === 'state') takeState(data.isOpen)
    else if (isLeader) tell({ kind: 'state', isOpen })
  }
  channel?.addEventListener('message', onTold)

  const lead = async () => {
    isLeader = true
    const gathered = gather(messages => {
      tell({ kind: 'messages', messages })
      take(messages)
    })
    // The ids of events that are still gathered are not told yet: a new leader reads them again.
    let readUpTo = lastEventId
    await readStream({
      path: '/v1/events',
      lastEventId: () => readUpTo,
      signal: leaving.signal,
      onState(state) {
        tell({ kind: 'state', isOpen: state })
        takeState(state)
      },
      onEvent({ event = '', id = '', data }) {
        readUpTo = id === '' ? readUpTo : id
        const message = messageOf(event, id, data)
        if (message !== undefined) gathered(message)
      },
    }).catch(listener.onRefused)
  }

  const turn =
    channel === undefined ? lead() : navigator.locks.request(channelName, { signal: leaving.signal }, lead)
  turn
    .catch(() => undefined)
    .finally(() => {
      isLeader = false
    })
  tell({ kind: 'who' })
  return () => {
    leaving.abort()
    channel?.close()
  }
}

/** Gathers messages and tells them together. */
function gather(tell: (messages: LiveMessage[]) => void): (message: LiveMessage) => void {
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
      tell(messages)
    }, gatherMs)
  }
}
