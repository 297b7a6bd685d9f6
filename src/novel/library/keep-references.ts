/** References: which novels give voice and facts to others, and which of them a novel names. */
import { QuillworkError } from '../../index.ts'
import type { Stored } from '../../records/records.ts'
import { type LibraryParts, type NovelRecord, novels } from './kinds.ts'
import { notTaken, novelIsReference, novelNotFound } from './refusal.ts'
import { mostReferences, type NovelNames } from './shape.ts'
import type { NamedReference } from './shelf.ts'

/**
 * Returns what of a novel changes when it becomes a reference, or no longer is one, and names others; undefined takes a field away. A reference names none: those
 * that it named go when it is marked. Throws NOVEL_NOT_FOUND, NOVEL_NOT_REFERENCE, NOVEL_IS_REFERENCE, and OPTION_INVALID for one that names itself or too many.
 */
export async function referenceChange(
  { records }: LibraryParts,
  novel: NovelRecord,
  { reference = novel.reference === true, references }: Pick<NovelNames, 'reference' | 'references'>,
): Promise<{ reference: true | undefined; references?: readonly string[] | undefined }> {
  const mark = reference ? true : undefined
  if (references === undefined && !reference) return { reference: mark }
  const ids = [...new Set(references)]
  if (ids.length === 0) return { reference: mark, references: undefined }
  if (ids.length > mostReferences) throw notTaken(`A novel names at most ${mostReferences} references.`)
  if (ids.includes(novel.id)) throw notTaken(`The novel ${novel.id} cannot be its own reference.`)
  if (reference) throw novelIsReference(novel.id, 'so it names no references of its own')
  const named = await records.get(novels, ids)
  for (const id of ids) {
    const found = named.get(id)
    if (!isOnShelf(found, novel.userId)) throw novelNotFound(id)
    if (found.reference !== true)
      throw new QuillworkError(
        'NOVEL_NOT_REFERENCE',
        `The novel ${id} is no reference. Mark it as one first, then name it.`,
        { details: { novelId: id } },
      )
  }
  return { reference: mark, references: ids }
}

/** Returns the references that novels of one user name, by the ids of those novels. */
export async function namedReferences(
  { records }: LibraryParts,
  found: readonly NovelRecord[],
): Promise<ReadonlyMap<string, readonly NamedReference[]>> {
  const ids = [...new Set(found.flatMap(({ references = [] }) => references))]
  const named = ids.length === 0 ? new Map<string, Stored<NovelRecord>>() : await records.get(novels, ids)
  return new Map(
    found.map(({ id, userId, references = [] }) => [
      id,
      references.map(novelId => {
        const novel = named.get(novelId)
        if (!isOnShelf(novel, userId)) return { novelId, state: 'gone' as const }
        return { novelId, title: novel.title, state: novel.reference === true ? 'used' : 'unmarked' }
      }),
    ]),
  )
}

function isOnShelf(novel: Stored<NovelRecord> | undefined, userId: string): novel is Stored<NovelRecord> {
  return novel?.userId === userId && novel.status === 'published'
}
