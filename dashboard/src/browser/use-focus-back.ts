import { type RefObject, useEffect, useRef } from 'react'

/**
 * Gives the keys back to what opened something, once that is closed: it was not drawn in between, so the browser does not know of it. Who
 * went elsewhere meanwhile stays there.
 */
export function useFocusBack(isOpen: boolean): RefObject<HTMLButtonElement | null> {
  const opener = useRef<HTMLButtonElement>(null)
  const wasOpen = useRef(isOpen)
  useEffect(() => {
    const hasClosed = wasOpen.current && !isOpen
    wasOpen.current = isOpen
    if (hasClosed && document.activeElement === document.body) opener.current?.focus()
  }, [isOpen])
  return opener
}
