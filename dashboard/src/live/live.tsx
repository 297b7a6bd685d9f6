import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'
import { streamStands } from '../api/first-requests.ts'
import { useTokenIsWanted } from '../api/token.ts'
import { LiveCache } from './apply.ts'
import { openChannel } from './channel.ts'

/** How fresh what is shown is. `starting`: the stream is not there yet; `stale`: it broke, and is being made again. */
export interface LiveState {
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
