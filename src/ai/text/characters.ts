/** Whether a place is within a character of two code units. */
export function isInCharacter(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  const before = text.charCodeAt(at - 1)
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff
}

/** The place, or the one before it where it would cut a character in two. */
export function wholeAt(text: string, at: number): number {
  return isInCharacter(text, at) ? at - 1 : at
}

/** Returns a copy of a text. A slice of a longer text would keep the whole of that in memory. */
export function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
