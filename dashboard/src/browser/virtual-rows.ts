import type { VirtualItem, Virtualizer } from '@tanstack/react-virtual'
import { type RefObject, useLayoutEffect, useState } from 'react'

/** Returns the pixels from the top of the page to an element. They change when what is above it grows. */
export function useTopOf(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0)
  useLayoutEffect(() => {
    const measure = () => {
      const box = element.current?.getBoundingClientRect()
      if (box !== undefined) setTop(Math.round(box.top + window.scrollY))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    return () => observer.disconnect()
  }, [element])
  return top
}

/**
 * Returns whether the scroll position is corrected when a row turns out to be of another height than estimated. Not on the way up: the
 * correction would end the scrolling of the browser, which then stops halfway to the top.
 */
export function correctsOnTheWayDown<Scroll extends Element | Window>(
  item: VirtualItem,
  _delta: number,
  { scrollOffset, scrollDirection }: Virtualizer<Scroll, Element>,
): boolean {
  return scrollDirection !== 'backward' && item.start < (scrollOffset ?? 0)
}
