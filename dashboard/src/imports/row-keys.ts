import { type KeyboardEvent, useState } from 'react'
import { chosenOf, numbersOf, type Row } from './rows.ts'

/** Rows that a page of the keyboard goes over. */
const pageRows = 10

/** The list that keys move in. */
interface RowKeysOptions {
  rows: readonly Row[]
  excluded: ReadonlySet<number>
  onChoose: (numbers: readonly number[], isChosen: boolean) => void
}

/**
 * The keyboard in the list of chapters: one stop for Tab, the arrows move, the space bar chooses, with Shift from the last chosen row to
 * this one. `at`: the row that the keyboard is on.
 */
export function useRowKeys({ rows, excluded, onChoose }: RowKeysOptions) {
  const [place, setPlace] = useState(0)
  const [anchor, setAnchor] = useState(0)
  const at = Math.max(0, Math.min(place, rows.length - 1))

  const toggle = (index: number, isRange: boolean) => {
    const row = rows[index]
    if (row === undefined) return
    const [from, to] = isRange ? [Math.min(anchor, index), Math.max(anchor, index)] : [index, index]
    setPlace(index)
    // The end of a range is where the next one begins.
    setAnchor(index)
    // A range takes over what its start was last made, as lists everywhere do; a single row turns over.
    const first = rows[anchor]
    const isChosen =
      isRange && first !== undefined
        ? chosenOf(first, excluded) !== 'none'
        : chosenOf(row, excluded) === 'none'
    // The heading of a volume within a range must not reach beyond it.
    const meant = rows.slice(from, to + 1).filter(each => !isRange || each.kind === 'chapter')
    onChoose(numbersOf(meant), isChosen)
  }

  const onKeyDown = (event: KeyboardEvent, index: number, focus: (index: number) => void) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === ' ' && event.shiftKey) {
      event.preventDefault()
      toggle(index, true)
      return
    }
    const to = placeAfter(event.key, index, rows.length)
    if (to === undefined) return
    event.preventDefault()
    setPlace(to)
    focus(to)
  }

  return { at, toggle, onKeyDown }
}

/** Where a key leads from a row; undefined for keys that lead nowhere. */
function placeAfter(key: string, index: number, count: number): number | undefined {
  const last = count - 1
  const places: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + pageRows,
    PageUp: index - pageRows,
    Home: 0,
    End: last,
  }
  const to = places[key]
  return to === undefined ? undefined : Math.max(0, Math.min(to, last))
}
