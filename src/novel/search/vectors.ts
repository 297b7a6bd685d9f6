import { QuillworkError } from '../../index.ts'

/** Returns vectors one after the other as 32-bit floats, little-endian, each of length 1 so that a product of two is their cosine. */
export function encodeVectors(vectors: readonly Float32Array[]): Uint8Array {
  const dimensions = vectors[0]?.length ?? 0
  const all = new Float32Array(vectors.length * dimensions)
  for (const [place, vector] of vectors.entries()) all.set(unitVector(vector), place * dimensions)
  return new Uint8Array(all.buffer)
}

/** Reads the bytes of `encodeVectors`. Throws RECORD_UNREADABLE where they are not vectors of that length. */
export function decodeVectors(bytes: Uint8Array, dimensions: number): Float32Array {
  if (dimensions < 1 || bytes.length % (dimensions * Float32Array.BYTES_PER_ELEMENT) !== 0) {
    throw new QuillworkError(
      'RECORD_UNREADABLE',
      `${bytes.length} bytes of an index are not vectors of length ${dimensions}; run Vectorize on the novel again.`,
    )
  }
  // A copy: the bytes of a driver may not be aligned for floats.
  return new Float32Array(Uint8Array.from(bytes).buffer)
}

/** Returns the vector of length 1 in the same direction; a vector of length 0 stays as it is. */
export function unitVector(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map(value => value / length)
}

/** A passage that is close to a query. */
export interface CloseVector {
  readonly passageId: number
  /** From -1 to 1. */
  readonly cosine: number
}

/** Finds the passages closest to a query by comparing each of them. */
export class Closest {
  readonly #query: Float32Array
  readonly #limit: number
  readonly #within: ReadonlySet<number> | undefined
  #found: CloseVector[] = []

  /** `limit`: the number of passages that are kept, at least 1. `within`: only these passages; default: all. */
  constructor(query: Float32Array, limit: number, within?: ReadonlySet<number>) {
    this.#query = unitVector(query)
    this.#limit = limit
    this.#within = within
  }

  /** Adds the vectors of passages whose ids begin at `first`. Throws RECORD_UNREADABLE. */
  add(first: number, bytes: Uint8Array): void {
    const dimensions = this.#query.length
    const vectors = decodeVectors(bytes, dimensions)
    for (let at = 0, passageId = first; at < vectors.length; at += dimensions, passageId += 1) {
      if (this.#within?.has(passageId) ?? true)
        this.#found.push({ passageId, cosine: this.#product(vectors, at) })
    }
    // Sorting rarely is quicker than keeping the order, and memory stays bounded.
    if (this.#found.length > 16 * this.#limit) this.#found = this.found
  }

  /** The closest passages, closest first; equal ones in the order of their ids. */
  get found(): CloseVector[] {
    return this.#found.sort((a, b) => b.cosine - a.cosine || a.passageId - b.passageId).slice(0, this.#limit)
  }

  #product(vectors: Float32Array, from: number): number {
    const query = this.#query
    let sum = 0
    for (let at = 0; at < query.length; at += 1) sum += (query[at] ?? 0) * (vectors[from + at] ?? 0)
    return sum
  }
}
