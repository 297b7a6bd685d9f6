/** Where a person was in a novel. Kept in the browser for each novel. */
export interface ReadingPlace {
  chapterId: string
  sceneId: string
  /** How much of the scene was above the place, 0 to 1. */
  share: number
}

const keyOf = (novelId: string) => `quillwork.reading.${novelId}`

/** Where the person was in a novel; undefined where nothing is known. */
export function readPlace(novelId: string): ReadingPlace | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(novelId)) ?? 'null')
    return isPlace(kept) ? kept : undefined
  } catch {
    return undefined
  }
}

/** Keeps where the person is. */
export function keepPlace(novelId: string, place: ReadingPlace): void {
  try {
    localStorage.setItem(keyOf(novelId), JSON.stringify(place))
  } catch {
    // Without storage the place is known as long as the page is open, which is no news to anybody.
  }
}

/** Forgets the place in a novel that is gone. */
export function forgetPlace(novelId: string): void {
  try {
    localStorage.removeItem(keyOf(novelId))
  } catch {
    // Nothing was kept.
  }
}

function isPlace(kept: unknown): kept is ReadingPlace {
  if (typeof kept !== 'object' || kept === null) return false
  const { chapterId, sceneId, share } = kept as Partial<ReadingPlace>
  return typeof chapterId === 'string' && typeof sceneId === 'string' && typeof share === 'number'
}
