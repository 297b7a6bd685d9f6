/** Encodings of single bytes for Latin letters, the most usual first. They differ in a few letters. */
export const LATIN_ENCODINGS: readonly string[] = ['windows-1252', 'windows-1250', 'iso-8859-2']

/** How often each letter beyond ASCII occurs among those of a language, in hundredths. */
const WESTERN = [
  'é53à17è10ê8ç3û2ù2â2î2ô1œ1', // French
  'ü43ä25ö19ß13', // German
  'ó28í24á17é14ñ10ú6ü1', // Spanish
  'ã22ç15é14á13í8ê8ó8õ4ú4à3â3ô1', // Portuguese
  'è38à24ù13ò11é8ì6', // Italian
  'ä40å30ö28é2', // Swedish
  'å38ø32æ28é2', // Danish, Norwegian
  'ä88ö11å1', // Finnish
  'ð33á13í12þ11ó7æ6ö6é5ú5ý2', // Icelandic
  'é45ë35ï10ö4ü3è2ê1', // Dutch
  'à22é18ó18è13í12ò7ç5ú4ï1', // Catalan
  'ä40õ25ü20ö13š1ž1', // Estonian
]
const CENTRAL = [
  'ł26ę15ó13ą13ż11ś10ć6ń3ź1', // Polish
  'í22á15ě11é9ř8č7ý7ž7š6ů4ú2ň1ť1', // Czech
  'á17í11é10č10ý8š8ž8ú8ť5ľ4ň2ó2ô2ď2ä1', // Slovak
  'é32á32ö9ó9ő8í5ü5ú3ű2', // Hungarian
  'ă37ş20ţ18î15â12', // Romanian
  'č30š28ž20ć16đ6', // Croatian, Slovene
]
const LANGUAGES: Readonly<Record<string, readonly ReadonlyMap<string, number>[]>> = {
  'windows-1252': WESTERN.map(frequencies),
  'windows-1250': CENTRAL.map(frequencies),
  'iso-8859-2': CENTRAL.map(frequencies),
}

/** Letters that stand in words of any Western language. Any of them is more probable there than a letter that the language lacks. */
const FOREIGN = new Set('àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœ¿¡')
/** Frequency of one of these, and of any other character that a language lacks. */
const RARE = { foreign: 0.015, other: 0.001 } as const

/** Of the letters of a Central European text, a larger share is beyond ASCII: 3 % in Slovene, 7 % in Polish, 14 % in Czech. */
const LEAST_CENTRAL = 0.015
/**
 * Differences of the logarithms of two probabilities: how much more usual the first encoding is, so that it is only doubted where another one
 * reads the letters better; and what leaves no doubt.
 */
const [USUAL, CERTAIN] = [4, 8]
/** Letters beyond ASCII below which the usual encoding is taken without a doubt: a text of some lines tells too little. */
const FEW = 20

function frequencies(letters: string): Map<string, number> {
  return new Map(
    Array.from(
      letters.matchAll(/(\D)(\d+)/g),
      ([, letter = '', share]) => [letter, Number(share) / 100] as const,
    ),
  )
}

/**
 * Returns the encoding in which the letters beyond ASCII are most like those of one language, with a confidence. `textsOf`: the samples,
 * decoded. Two encodings of Central Europe that read the same letters are no rivals, and the more usual one is named.
 */
export function latinEncoding(textsOf: (encoding: string) => readonly string[]): {
  name: string
  confidence: number
} {
  const [usual = '', ...others] = LATIN_ENCODINGS
  const western = letterCounts(textsOf(usual))
  if (western.beyond === 0 || western.beyond < LEAST_CENTRAL * western.all)
    return { name: usual, confidence: 1 }
  const fits = [
    { name: usual, fit: fitOf(usual, western.counts) + USUAL },
    ...others.map(name => ({ name, fit: fitOf(name, letterCounts(textsOf(name)).counts) })),
  ].sort((a, b) => b.fit - a.fit)
  const [best = { name: usual, fit: 0 }] = fits
  const next = fits.find(({ fit }) => fit < best.fit)?.fit ?? Number.NEGATIVE_INFINITY
  const isFew = best.name === usual && western.beyond < FEW
  return { name: best.name, confidence: isFew ? 1 : Math.min(1, (best.fit - next) / CERTAIN) }
}

interface LetterCounts {
  /** Letters, and those beyond ASCII. */
  all: number
  beyond: number
  /** How often each character beyond ASCII occurs, by its code. */
  readonly counts: Map<number, number>
}

/** Signs that stand in texts of all these languages. */
const SIGNS = new Set(Array.from('‘’‚“”„–—…•«»‹›€§©®°·\u00a0\u00ad', sign => sign.charCodeAt(0)))

function letterCounts(texts: readonly string[]): LetterCounts {
  const found: LetterCounts = { all: 0, beyond: 0, counts: new Map() }
  for (const text of texts) {
    // A sample may begin with a part in English.
    const start = text.search(/[\u0080-\uffff]/)
    for (let at = start < 0 ? text.length : start; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code < 0x80) {
        const small = code | 0x20
        if (small >= 0x61 && small <= 0x7a) found.all++
      } else if (!SIGNS.has(code)) {
        found.all++
        found.beyond++
        found.counts.set(code, (found.counts.get(code) ?? 0) + 1)
      }
    }
  }
  return found
}

/** Returns the logarithm of the probability of the letters in the language that they fit best. */
function fitOf(encoding: string, counts: ReadonlyMap<number, number>): number {
  const foreign = encoding === 'windows-1252' ? RARE.foreign : RARE.other
  const fits = (LANGUAGES[encoding] ?? []).map(language => {
    let fit = 0
    for (const [code, count] of counts) {
      const letter = String.fromCharCode(code).toLowerCase()
      fit += count * Math.log(language.get(letter) ?? (FOREIGN.has(letter) ? foreign : RARE.other))
    }
    return fit
  })
  return Math.max(...fits)
}
