import { type ReactNode, type RefObject, useLayoutEffect, useRef } from 'react'

interface PassFocusProps {
  /** What gets the focus; default: the content of the page. */
  next?: RefObject<HTMLElement | null>
  children: ReactNode
}

/** What may be removed while it has the focus: the focus then goes on, and not to the top of the page. */
export function PassFocus({ next, children }: PassFocusProps) {
  const own = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const part = own.current
    return () => {
      if (part?.contains(document.activeElement) !== true) return
      // Once it is removed, and what takes its place is there.
      queueMicrotask(() => {
        if (document.activeElement !== document.body) return
        if (next?.current) next.current.focus()
        else document.getElementById('content')?.focus({ preventScroll: true })
      })
    }
  }, [next])
  return <div ref={own}>{children}</div>
}
