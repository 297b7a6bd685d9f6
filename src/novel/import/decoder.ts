import { QuillworkError } from '../../index.ts'

/** Decodes bytes piece by piece. Bytes without a meaning become U+FFFD. */
export interface Decoder {
  /** Decodes the next bytes. A character that is cut at their end waits for the next call. */
  decode(bytes: Uint8Array): string
  /** Returns the rest at the end. */
  end(): string
}

/**
 * Returns the name of an encoding for any label of the Encoding Standard. GBK and GB2312 are read as GB18030, which includes both.
 * Throws ENCODING_UNKNOWN for other labels.
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

/** Returns the name of an encoding for a label that a file gives; undefined for one that does not exist. */
export function knownEncoding(label: string): string | undefined {
  try {
    return encodingName(label)
  } catch {
    return undefined
  }
}

/** Returns a decoder for an encoding. It drops a byte order mark at the start. */
export function createDecoder(encoding: string): Decoder {
  const name = encodingName(encoding)
  const inner = new TextDecoder(name)
  const repair = name === 'windows-1252' ? repairWindows1252 : (text: string) => text
  return {
    decode: bytes => repair(inner.decode(bytes, { stream: true })),
    end: () => repair(inner.decode()),
  }
}

// Bytes 80 to 9F of windows-1252. Node 20 decodes them as if they were ISO 8859-1 controls.
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

function repairWindows1252(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, c => WINDOWS_1252[c.charCodeAt(0) - 0x80] ?? c)
}
