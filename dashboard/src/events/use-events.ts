import { type FocusEvent, type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { recentEvents } from '../live/recent-events.ts'
import type { EventsSearch } from '../queries/search.ts'
import { type EventView, matching, withNewer, withWaiting } from './event-view.ts'

/** Pixels of scrolling up to which the beginning of the list is still in view. */
const atTopWithin = 120

/** The list of events as it is shown, and how it is held. */
export interface ShownEvents {
  readonly view: EventView
  readonly isPaused: boolean
  setIsPaused(isPaused: boolean): void
  /** Shows what waits. */
  showWaiting(): void
  /** Handlers for the element around the rows: while it is pointed at, or the keyboard is in it, they do not move. */
  readonly holding: Omit<ReturnType<typeof useTouched>, 'isTouched'>
}

/** Follows the events that fit the filters. They are those of the first call: another list is another component. */
export function useEvents(search: EventsSearch): ShownEvents {
  const [fits] = useState(() => matching(search))
  const [first] = useState(() => recentEvents.all)
  const [view, setView] = useState<EventView>(() => ({ shown: first.filter(fits), waiting: [] }))
  const [isPaused, setIsPaused] = useState(false)
  const { isTouched, ...holding } = useTouched()
  const isHeld = isPaused || isTouched
  const held = useRef(isHeld)
  useLayoutEffect(() => {
    held.current = isHeld
  })
  useEffect(
    () =>
      recentEvents.listen(newer => {
        const fitting = newer.filter(fits)
        const isRead = held.current || window.scrollY > atTopWithin
        if (fitting.length > 0) setView(before => withNewer(before, fitting, isRead))
      }, first),
    [fits, first],
  )
  // What came while the list was held is shown when it is let go.
  useEffect(() => {
    if (!isHeld && window.scrollY <= atTopWithin) setView(withWaiting)
  }, [isHeld])
  return { view, isPaused, setIsPaused, showWaiting: () => setView(withWaiting), holding }
}

/** Returns handlers for an element: while a mouse is over it, or the keyboard is in it, it is touched. */
function useTouched() {
  const [isOver, setIsOver] = useState(false)
  const [isIn, setIsIn] = useState(false)
  return {
    isTouched: isOver || isIn,
    onPointerEnter: ({ pointerType }: PointerEvent) => setIsOver(pointerType === 'mouse'),
    onPointerLeave: () => setIsOver(false),
    onFocus: ({ target }: FocusEvent) => setIsIn(target.matches(':focus-visible')),
    onBlur: () => setIsIn(false),
  }
}
