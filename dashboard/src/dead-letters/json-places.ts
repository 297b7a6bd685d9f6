/** Where a value stands in a JSON text, in UTF-16 code units. */
export interface JsonPlace {
  readonly from: number
  readonly to: number
}

/** Finds each value of a JSON text by its JSON Pointer (RFC 6901); the whole is ''. The text has to be valid JSON. */
export function jsonPlaces(text: string): ReadonlyMap<string, JsonPlace> {
  const places = new Map<string, JsonPlace>()
  readValue(new Reader(text), '', places)
  return places
}

/** Returns the place of a value, or of the nearest value around it that is there: what is missing is missing in that one. */
export function placeOf(pointer: string, places: ReadonlyMap<string, JsonPlace>): JsonPlace | undefined {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const found = places.get(at)
    if (found !== undefined || at === '') return found
  }
}

/** Returns the number of the line of a place, from 1. */
export function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}

class Reader {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** What comes next that is no white space. */
  peek(): string {
    while (/\s/.test(this.#text.charAt(this.at))) this.at += 1
    return this.#text.charAt(this.at)
  }

  /** Goes past a sign that is there, or says that it is not. */
  passes(sign: string): boolean {
    if (this.peek() !== sign) return false
    this.at += 1
    return true
  }

  /** Goes past a text in quotes, a number or a word, and returns it. */
  takeToken(): string {
    this.peek()
    const token = /"(?:[^"\\]|\\.)*"|[^\s,:{}[\]"]+/y
    token.lastIndex = this.at
    const found = token.exec(this.#text)?.[0] ?? ''
    this.at += Math.max(found.length, 1)
    return found
  }
}

function readValue(reader: Reader, pointer: string, places: Map<string, JsonPlace>): void {
  reader.peek()
  const from = reader.at
  if (reader.passes('{')) {
    while (!reader.passes('}')) {
      const name = String(JSON.parse(reader.takeToken()))
      reader.passes(':')
      readValue(reader, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, places)
      reader.passes(',')
    }
  } else if (reader.passes('[')) {
    for (let index = 0; !reader.passes(']'); index++) {
      readValue(reader, `${pointer}/${index}`, places)
      reader.passes(',')
    }
  } else reader.takeToken()
  places.set(pointer, { from, to: reader.at })
}
