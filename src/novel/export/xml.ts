/** Markup, as it is written in a text or in an attribute in double quotes. */
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const unwritable = /[^\P{Cc}\t\n]|[\ufffe\uffff]|\p{Surrogate}/gu

/**
 * Returns a text with the characters that XML 1.0 can hold. Half of a surrogate pair becomes U+FFFD. U+FFFE, U+FFFF and all controls but tab and
 * line feed are left out: XML forbids most of them, and nobody sees the others.
 */
export function writable(text: string): string {
  return text.replace(unwritable, each => (/\p{Surrogate}/u.test(each) ? '\ufffd' : ''))
}

/** Returns a text as it stands in an XML file, in an element or in an attribute in double quotes. */
export function escapeXml(text: string): string {
  return writable(text).replace(/[&<>"]/g, each => entities[each] ?? each)
}

/** The first line of an XML file. */
export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
