/** The attribute that makes an element a hit of a search that the keyboard reaches. */
export const hitAttribute = { 'data-hit': '' } as const

const hits = () => [...document.querySelectorAll<HTMLElement>('[data-hit]')]

/** Moves the focus through the hits. Answers whether there was one to go to. */
export function focusHit(where: 'first' | 'next' | 'previous'): boolean {
  const all = hits()
  const at = document.activeElement instanceof HTMLElement ? all.indexOf(document.activeElement) : -1
  const to = where === 'first' ? 0 : where === 'next' ? at + 1 : at - 1
  const hit = all[to]
  hit?.focus()
  return hit !== undefined
}
