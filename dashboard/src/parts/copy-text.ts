/**
 * Puts a text on the clipboard. A page that came over plain HTTP from another machine is given no clipboard by the browser: then the old way
 * is tried, which wants a text that is selected. False when neither works.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    // The types promise a clipboard; insecure contexts break that promise.
    const clipboard: Clipboard | undefined = navigator.clipboard
    if (clipboard !== undefined) {
      await clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused: the other way may still be open.
  }
  return copySelected(text)
}

function copySelected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.setAttribute('aria-hidden', 'true')
  area.style.position = 'fixed'
  area.style.opacity = '0'
  // Within an open dialog: a dialog takes the focus back from what is outside of it.
  const place = before?.closest('[role="dialog"]') ?? document.body
  place.append(area)
  area.select()
  try {
    return document.execCommand('copy')
  } catch {
    return false
  } finally {
    area.remove()
    if (before instanceof HTMLElement) before.focus()
  }
}
