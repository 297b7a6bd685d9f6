import type { VirtualItem, Virtualizer } from '@tanstack/react-virtual'

/**
 * Whether the place in a list is corrected when a row turns out to be of another height than thought. Not on the way up: the correction
 * would end the scrolling of the browser, which then stops halfway to the top.
 */
export function correctsOnTheWayDown<Scroll extends Element | Window>(
  item: VirtualItem,
  _delta: number,
  { scrollOffset, scrollDirection }: Virtualizer<Scroll, Element>,
): boolean {
  return scrollDirection !== 'backward' && item.start < (scrollOffset ?? 0)
}
