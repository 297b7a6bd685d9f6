/**
 * Ids of records. Those of what an import writes derive from the import and the place in the book, so that an attempt that runs again names the
 * same rows again. Each is a UUID of version 8 (RFC 9562).
 */
import { hashedId } from '../../index.ts'

/** The id of the novel that an import makes: confirming one upload twice makes one novel. */
export function novelIdOf(importId: string): string {
  return derivedId('novel', importId)
}

/** The id of the volume at `position` (from 0) of a novel. */
export function volumeIdOf(novelId: string, position: number): string {
  return derivedId('volume', novelId, position)
}

/** The id of the chapter at `position` (from 0, over the whole novel). */
export function chapterIdOf(novelId: string, position: number): string {
  return derivedId('chapter', novelId, position)
}

/** The id of the scene at `position` (from 0, within its chapter). */
export function sceneIdOf(novelId: string, chapterPosition: number, position: number): string {
  return derivedId('scene', novelId, chapterPosition, position)
}

/** The id of what a row of an archive is, by its number, in the novel that is made of it. Ids of a kind sort by their numbers. */
export function archivedIdOf(novelId: string, kind: string, number: number): string {
  const id = derivedId('archived', novelId, kind, number)
  return number < 0 ? id : number.toString(16).padStart(8, '0') + id.slice(8)
}

/** Returns the ids of records. */
export function idsOf(records: readonly { id: string }[]): string[] {
  return records.map(({ id }) => id)
}

function derivedId(...parts: (string | number)[]): string {
  return hashedId(parts.join('\n'))
}
