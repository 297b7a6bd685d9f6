import { QuillworkError } from '../../index.ts'

/** Turns bytes into text piece by piece. Bytes that mean nothing become U+FFFD. */
export interface Decoder {
  /** Decodes the next bytes. A character that is cut at their end is kept for the next call. */
  decode(bytes: Uint8Array): string
  /** What is left at the end. */
  end(): string
}

/**
 * The name under which an encoding is reported, for any label that the Encoding Standard knows.
 * GBK and GB2312 are read as GB18030, which holds both. Throws ENCODING_UNKNOWN for other labels.
 */
export function encodingName(label: string): string {
  try {
    const { encoding } = new TextDecoder(label.trim().toLowerCase())
    return encoding === 'gbk' ? 'gb18030' : encoding
  } catch (cause) {
    throw new QuillworkError(
      'ENCODING_UNKNOWN',
      `"${label}" is not a known encoding. Use utf-8, gb18030, big5, utf-16le, utf-16be or windows-1252.`,
      { cause },
    )
  }
}

/** Makes a decoder for an encoding; a byte order mark at the start is dropped. */
export function createDecoder(encoding: string): Decoder {
  const name = encodingName(encoding)
  const inner = new TextDecoder(name)
  const mend = name === 'windows-1252' ? mendWindows1252 : (text: string) => text
  return {
    decode: bytes => mend(inner.decode(bytes, { stream: true })),
    end: () => mend(inner.decode()),
  }
}

// Bytes 80 to 9F of windows-1252. Node 20 decodes them as if they were ISO 8859-1 controls.
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

function mendWindows1252(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, c => WINDOWS_1252[c.charCodeAt(0) - 0x80] ?? c)
}
