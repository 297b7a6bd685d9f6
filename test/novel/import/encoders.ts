/** Encoders for the encodings that Node can only decode. Characters that an encoding lacks become `placeholder`. */
export function encode(text: string, encoding: string, placeholder = '□'): Uint8Array {
  if (encoding === 'utf-8') return new TextEncoder().encode(text)
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  if (encoding === 'windows-1252')
    return Buffer.from(Array.from(text, c => WINDOWS_1252.get(c) ?? c.charCodeAt(0)))
  const table = TABLES[encoding] ?? GB18030
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x80) bytes.push(code)
    else bytes.push(...(table().get(character) ?? table().get(placeholder) ?? [0x3f]))
  }
  return Uint8Array.from(bytes)
}

/** Whether an encoding has a character. */
export function has(character: string, encoding: 'gb18030' | 'big5'): boolean {
  return character.charCodeAt(0) < 0x80 || (encoding === 'big5' ? BIG5 : GB18030)().has(character)
}

const BIG5 = lazily(() => reverseTable('big5', 0x81, 0xfe))
const GB18030 = lazily(() => reverseTable('gb18030', 0x81, 0xfe))

const TABLES: Record<string, () => Map<string, readonly number[]>> = {
  big5: BIG5,
  shift_jis: lazily(() => reverseTable('shift_jis', 0x81, 0xfc)),
  'euc-kr': lazily(() => reverseTable('euc-kr', 0x81, 0xfe)),
  'windows-1251': lazily(() => reverseHalf('windows-1251')),
  'windows-1250': lazily(() => reverseHalf('windows-1250')),
  'iso-8859-2': lazily(() => reverseHalf('iso-8859-2')),
  'koi8-r': lazily(() => reverseHalf('koi8-r')),
  'koi8-u': lazily(() => reverseHalf('koi8-u')),
  'euc-jp': lazily(() => reverseTable('euc-jp', 0xa1, 0xfe)),
}

const WINDOWS_1252 = new Map(
  Object.entries({
    ...{ '‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '„': 0x84, '–': 0x96, '—': 0x97 },
    ...{ '…': 0x85, '€': 0x80, œ: 0x9c, Œ: 0x8c },
  }),
)

/** Decodes every pair of bytes, and turns the answers round. */
function reverseTable(encoding: string, from: number, to: number): Map<string, readonly number[]> {
  const decoder = new TextDecoder(encoding, { fatal: true })
  const table = new Map<string, readonly number[]>()
  for (let lead = from; lead <= to; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const character = decodeOrNothing(decoder, [lead, trail])
      if (character !== undefined && !table.has(character)) table.set(character, [lead, trail])
    }
  }
  return table
}

/** Decodes each byte beyond ASCII of an encoding of single bytes, and turns the answers round. */
function reverseHalf(encoding: string): Map<string, readonly number[]> {
  const upper = Array.from({ length: 0x80 }, (_, i) => i + 0x80)
  return new Map(upper.map(byte => [new TextDecoder(encoding).decode(Uint8Array.of(byte)), [byte]]))
}

function decodeOrNothing(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: readonly number[],
): string | undefined {
  try {
    const text = decoder.decode(Uint8Array.from(bytes))
    return Array.from(text).length === 1 ? text : undefined
  } catch {
    return undefined
  }
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
