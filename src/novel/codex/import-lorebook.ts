/** Brings a lorebook of another tool into the codex of a novel. */
import { hashedId } from '../../index.ts'
import type { NovelServices } from '../services.ts'
import type { CodexFields } from './entry.ts'
import { type Lorebook, readLorebook } from './read-lorebook.ts'

/** A lorebook for a novel. */
export interface LorebookImport {
  readonly userId: string
  readonly novelId: string
  readonly book: unknown
  readonly kind: CodexFields['kind']
}

/** What an import came to. */
export type LorebookImported = Omit<Lorebook, 'entries'> & {
  readonly added: number
  readonly existing: number
}

/** Adds the entries of a lorebook; those of an earlier import of the same file are there already. Throws LOREBOOK_INVALID, NOVEL_NOT_FOUND, CODEX_FULL. */
export async function importLorebook(
  { library }: Pick<NovelServices, 'library'>,
  { userId, novelId, book, kind }: LorebookImport,
): Promise<LorebookImported> {
  const { entries, ...read } = readLorebook(book, kind)
  // An id is made of what an entry says, so that the same file adds it once.
  const byId = new Map(
    entries.map(fields => [hashedId(`codex of ${novelId}\n${JSON.stringify(fields)}`), fields]),
  )
  const all = [...byId].map(([id, fields]) => ({ id, fields }))
  const added = await library.codex.add(userId, novelId, all)
  return { ...read, added: added.size, existing: entries.length - added.size }
}
