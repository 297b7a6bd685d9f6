/** What rows of an archive are called: numbers while a novel is written, and ids again while it is read. */
import { QuillworkError } from '../../index.ts'
import { entryIdOf } from '../library/history.ts'
import { archivedIdOf } from '../library/ids.ts'
import type { HistoryRecord } from '../library/kinds.ts'
import type { Writer } from '../library/provenance.ts'
import { rewritten, type Target } from './references.ts'
import { type ArchivedRow, archivedRows, historyName, type RowName } from './rows.ts'

/** What is known of an entry of a history without its text. */
type HistoryNote = Pick<HistoryRecord, 'what' | 'why' | 'version' | 'writtenBy'>

/** Returns the name of an entry within the history of its scene. */
export function historyNameOf({ what, why, version, writtenBy }: HistoryNote): string {
  const task = why === 'conflict' && writtenBy !== undefined && 'taskId' in writtenBy ? writtenBy.taskId : ''
  return `${what} ${why} ${version}${task === '' ? '' : ` ${task}`}`
}

/** The numbers of what is written into an archive. */
export class RowNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #gone = new Map<Target, Map<string, number>>()
  /** Of the scene that is written now, by their ids. */
  #entries: ReadonlyMap<string, string> = new Map()
  #candidates: ReadonlyMap<string, number> = new Map()

  /** Numbers rows of a kind, from 1. */
  number(target: Target, ids: Iterable<string>): void {
    let number = 0
    for (const id of ids) this.#numbers.set(`${target} ${id}`, ++number)
  }

  /** Names what hangs on a scene, in place of that of the scene before. */
  beginScene(entries: ReadonlyMap<string, string>, candidates: ReadonlyMap<string, number>): void {
    this.#entries = entries
    this.#candidates = candidates
  }

  /** The number of a row that was numbered. */
  of(target: Target, id: string): number | undefined {
    return this.#numbers.get(`${target} ${id}`)
  }

  /** Returns a record as a row. Throws INTERNAL for one that could not be read again. */
  row(of: RowName, record: object): ArchivedRow {
    const { row, refs } = archivedRows[of]
    const held = Object.keys(row.shape).filter(field => Reflect.get(record, field) !== undefined)
    const fields = Object.fromEntries(held.map(field => [field, Reflect.get(record, field)]))
    const read = row.safeParse(rewritten(fields, refs, (target, value) => this.#named(target, value)))
    if (read.success) return { of, row: read.data } as ArchivedRow
    const [issue] = read.error.issues
    throw new QuillworkError(
      'INTERNAL',
      `A ${of} of the novel cannot be archived: ${issue?.path.join('.')}: ${issue?.message}.`,
    )
  }

  #named(target: Target, value: unknown): unknown {
    if (target === 'writer') return 'userId' in (value as Writer) ? 'person' : value
    const id = String(value)
    const name =
      target === 'history'
        ? this.#entries.get(id)
        : target === 'candidate'
          ? this.#candidates.get(id)
          : this.of(target, id)
    return name ?? this.#goneNumber(target, id)
  }

  #goneNumber(target: Target, id: string): number {
    const gone = this.#gone.get(target) ?? new Map<string, number>()
    this.#gone.set(target, gone)
    const number = gone.get(id) ?? -gone.size - 1
    gone.set(id, number)
    return number
  }
}

/** Whose novel is made of an archive. */
export interface Importing {
  readonly novelId: string
  readonly userId: string
}

/** Returns the id of a candidate by its number within its scene. */
export function candidateIdOf(novelId: string, sceneId: string, number: number): string {
  return archivedIdOf(novelId, `candidate ${sceneId}`, number)
}

/** Returns a row with ids in its references; `sceneId`: the scene that it is, or hangs on. */
export function withIds({ of, row }: ArchivedRow, importing: Importing, sceneId: string): object {
  const { novelId, userId } = importing
  return rewritten(row, archivedRows[of].refs, (target, value) => {
    if (target === 'writer') return value === 'person' ? { userId } : value
    if (target === 'history' && typeof value === 'string') return historyIdOf(sceneId, value)
    if (target === 'candidate') return candidateIdOf(novelId, sceneId, Number(value))
    return archivedIdOf(novelId, target, Number(value))
  })
}

/** Returns the id of an entry of a history by its name. */
export function historyIdOf(sceneId: string, name: string): string {
  const [, what, why, version, taskId = ''] = historyName.exec(name) ?? []
  return entryIdOf(sceneId, {
    what: what === 'summary' ? what : 'text',
    why: why === 'conflict' ? why : 'overwritten',
    version: Number(version),
    writtenBy: { taskId, attempt: 0 },
  })
}
