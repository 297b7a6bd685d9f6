/** Has the browser save a text as a file. */
export function download(name: string, text: string, type = 'application/json'): void {
  const address = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken the text by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 0)
}
