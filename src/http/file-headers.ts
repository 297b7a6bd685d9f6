/** Headers of files that are downloaded. */

/** A part of a file: from one byte up to another, which is not in it. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/**
 * Returns the part of a file that a Range header asks for (RFC 9110, section 14.2). Undefined for the whole file: without the header, for several ranges, and for
 * what is no range of bytes. `unsatisfiable` where the part would begin behind the end.
 */
export function rangeIn(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^\s*bytes=(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < from) return undefined
  return from < size ? { from, to } : 'unsatisfiable'
}

/**
 * Returns the Content-Disposition of a file that is saved under a name (RFC 6266). The name is in it twice: as it is, and in ASCII for clients that know
 * nothing else.
 */
export function attachment(fileName: string): string {
  const [, name = '', extension = ''] = /^(.*?)(\.\w+)?$/s.exec(fileName) ?? []
  const plain = name
    .normalize('NFKD')
    .replace(/[^ -~]|["%\\]/g, '')
    .trim()
  return `attachment; filename="${plain || 'novel'}${extension}"; filename*=UTF-8''${encoded(fileName)}`
}

/** Escapes what no extended value may have unescaped (RFC 8187, section 3.2.1). */
function encoded(text: string): string {
  const escaped = (sign: string) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text).replace(/[*'()]/g, escaped)
}
