/**
 * Characters that command a terminal or change the order in which a line is read: C0 and C1 controls, line ends among them, and the
 * bidirectional controls. In a name or a log they let a text pass for another one, or for a line of its own. The marks of direction (U+061C,
 * U+200E, U+200F) are not among them: they have their place in Arabic and Hebrew, and reorder nothing by themselves.
 */
const controls = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu

/** Returns a text on one line with each control as its escape sequence, such as `\u001b`. A text of JSON stays the same JSON. */
export function escapeControls(text: string): string {
  return text.replace(controls, each => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Returns whether a text has a control that no name, title or tag may have. */
export function hasControls(text: string): boolean {
  return text.search(controls) >= 0
}

/** Returns a text without the controls that no name, title or tag may have. White space with a tab or a line end is one space, so that words stay apart. */
export function withoutControls(text: string): string {
  return text.replace(/[\s\u0085]+/g, space => (hasControls(space) ? ' ' : space)).replace(controls, '')
}
