import { type RefObject, useEffect, useRef, useState } from 'react'

/** How near to the screen something comes before it counts. */
const margin = '1200px 0px'

/** Whether an element came near the screen; stays true from then on. */
export function useNear<T extends Element>(): [RefObject<T | null>, boolean] {
  const element = useRef<T>(null)
  const [isNear, setNear] = useState(false)
  useEffect(() => {
    const { current } = element
    if (current === null || isNear) return
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) setNear(true)
      },
      { rootMargin: margin },
    )
    observer.observe(current)
    return () => observer.disconnect()
  }, [isNear])
  return [element, isNear]
}
