import { useEffect, useRef, useState } from 'react'

/** Milliseconds of rest after which what was typed counts. */
const restMs = 250
/** Milliseconds for which an address that changes is taken for the echo of what was typed. */
const echoMs = 1_000

/** What a field for typing gets. */
export interface Typed {
  readonly value: string
  readonly onType: (text: string) => void
  /** A composition, such as of pinyin, begins: its letters are not what is meant. */
  readonly onComposeStart: () => void
  readonly onComposeEnd: (text: string) => void
  /** A text counts at once; default: what was typed. */
  readonly settle: (text?: string) => void
}

/**
 * A text that is typed here and kept elsewhere (the address): it is told when the typing rests, and never while something is composed.
 * When the address changes by itself (Back), so does the field; the address that follows the typing never takes letters away.
 */
export function useTyped(kept: string, onSettled: (text: string) => void): Typed {
  const [value, setValue] = useState(kept)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const isComposing = useRef(false)
  const typedAt = useRef(Number.NEGATIVE_INFINITY)
  const told = useRef(kept)
  useEffect(() => {
    if (isComposing.current || performance.now() - typedAt.current < echoMs) return
    told.current = kept
    setValue(kept)
  }, [kept])
  useEffect(() => () => clearTimeout(timer.current), [])

  const tell = (text: string) => {
    clearTimeout(timer.current)
    const meant = text.trim()
    if (meant === told.current) return
    told.current = meant
    onSettled(meant)
  }
  const take = (text: string) => {
    typedAt.current = performance.now()
    setValue(text)
    clearTimeout(timer.current)
    if (!isComposing.current) timer.current = setTimeout(() => tell(text), restMs)
  }
  return {
    value,
    onType: take,
    onComposeStart() {
      isComposing.current = true
      clearTimeout(timer.current)
    },
    onComposeEnd(text) {
      isComposing.current = false
      take(text)
    },
    settle(text = value) {
      take(text)
      tell(text)
    },
  }
}
