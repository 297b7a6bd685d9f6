/** Which of the compressed files that a build made a client takes. */

/** A content coding. */
export type Encoding = 'br' | 'gzip'

/** The smaller one first. `suffix` ends the name of a file that is compressed with it. */
export const encodings: readonly { encoding: Encoding; suffix: string }[] = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
]

/**
 * The one of `available` that an Accept-Encoding header likes best, the first of equals; undefined: send the file as it is (RFC 9110
 * section 12.5.3). Without a header nothing is compressed, though anything would be allowed.
 */
export function chooseEncoding(
  header: string | undefined,
  available: Iterable<Encoding>,
): Encoding | undefined {
  const weights = weightsOf(header ?? '')
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const identity = weights.get('identity') ?? 0
  let best: Encoding | undefined
  for (const encoding of available) {
    const weight = weightOf(encoding)
    if (weight > 0 && weight >= identity && weight > (best === undefined ? 0 : weightOf(best)))
      best = encoding
  }
  return best
}

/** The weights of a header such as `br;q=0.8, gzip`; the first of several for one name. */
export function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map(text => text.trim().toLowerCase())
    if (name !== '' && !weights.has(name)) weights.set(name, weightIn(parameters))
  }
  return weights
}

/** 1 where none is given; 0 for one that is not a weight, so that what cannot be understood is not relied on. */
function weightIn(parameters: readonly string[]): number {
  const given = parameters.find(text => text.startsWith('q='))
  if (given === undefined) return 1
  return /^q=(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(given) ? Number(given.slice(2)) : 0
}
