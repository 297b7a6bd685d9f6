import type { ComboboxItem, ComboboxParsedItem } from '@mantine/core'

/** Options that a list shows at most: more could not be read through anyway. */
const shown = 60

/** Returns the options that hold what is searched for; without a search those around the chosen one. */
export function nearest(
  options: readonly ComboboxParsedItem[],
  search: string,
  chosen: string,
): ComboboxParsedItem[] {
  const items = options.filter(isItem)
  const wanted = search.trim().toLowerCase()
  if (wanted !== '') return items.filter(({ label }) => label.toLowerCase().includes(wanted)).slice(0, shown)
  const at = items.findIndex(({ value }) => value === chosen)
  return items.slice(Math.max(0, at - shown / 2)).slice(0, shown)
}

function isItem(option: ComboboxParsedItem): option is ComboboxItem {
  return 'value' in option
}
