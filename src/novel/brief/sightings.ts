/** Names that a text uses, most frequent first. Found by patterns, without a dictionary: a hint, never a register. */
export interface FoundNames {
  readonly people: readonly string[]
  readonly places: readonly string[]
  /** Names of which the text does not tell whether they are people or places. */
  readonly others: readonly string[]
}

/** One place of a text where a name stands. */
export interface Sighting {
  readonly name: string
  /** The words around it are such as stand around people, or around places. */
  readonly isPerson: boolean
  readonly isPlace: boolean
  /** Written or used as only names are; a name that is never so is none until it is seen again and again. */
  readonly isSure: boolean
}

/** How often a name must be seen that is never written as only names are. */
const often = 3

interface Seen {
  count: number
  people: number
  places: number
  sure: number
}

/** Counts what was seen: the lists are by number of sightings, then as first seen. */
export function tally(sightings: Iterable<Sighting>, most: number): FoundNames {
  const seen = new Map<string, Seen>()
  for (const { name, isPerson, isPlace, isSure } of sightings) {
    const known = seen.get(name) ?? { count: 0, people: 0, places: 0, sure: 0 }
    known.count += 1
    known.people += Number(isPerson)
    known.places += Number(isPlace)
    known.sure += Number(isSure)
    seen.set(name, known)
  }
  const names = [...seen]
    .filter(([, { count, sure }]) => sure > 0 || count >= often)
    .sort(([, a], [, b]) => b.count - a.count)
  const those = (which: (name: Seen) => boolean) =>
    names
      .filter(([, each]) => which(each))
      .map(([name]) => name)
      .slice(0, most)
  return {
    people: those(({ people, places }) => people > 0 && people >= places),
    places: those(({ people, places }) => places > people),
    others: those(({ people, places }) => people === 0 && places === 0),
  }
}
