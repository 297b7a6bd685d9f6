/** Copying records from one store to another, kind by kind, a bounded page at a time. */
import { type AnyKind, type Identified, type Kind, type Records, sizeOf, write } from './records.ts'

/** Records of the first page, and at most. */
const firstPage = 16
const largestPage = 500
/** Bytes of a page after which the next one is smaller. */
const pageBytes = 2_000_000

/** All records of a kind in the order of their ids, without their revisions. */
export async function* everyRecord<R extends Identified>(
  records: Records,
  kind: Kind<R>,
): AsyncGenerator<readonly R[]> {
  let after: [string] | undefined
  for (let limit = firstPage; ; ) {
    const found = await records.find(kind, { order: ['id'], after, limit })
    const last = found.at(-1) as Identified | undefined
    if (last === undefined) return
    const page = found.map(({ revision: _, ...record }) => record as unknown as R)
    yield page
    const bytes = page.reduce((sum, record) => sum + sizeOf(kind, record), 0)
    limit = bytes < pageBytes ? Math.min(limit * 2, largestPage) : Math.max(1, Math.floor(limit / 2))
    after = [last.id]
  }
}

/** How records are copied. */
export interface CopyOptions {
  /** What is written in place of a record that was read; undefined for one that stays behind. */
  change?: (kind: AnyKind, record: Identified) => Promise<Identified | undefined>
  /** Called after each page with the records that were written. May throw: then the copy is cut off. */
  onCopied?: (kind: AnyKind, records: readonly Identified[]) => void
}

/**
 * Copies records of kinds. Both stores are at rest meanwhile. Records replace what has their id, so a copy that was cut off is made again
 * from the start.
 */
export async function copyRecords(
  from: Records,
  to: Records,
  kinds: readonly AnyKind[],
  { change = async (_, record) => record, onCopied }: CopyOptions = {},
): Promise<void> {
  for (const kind of kinds) {
    for await (const page of everyRecord<Identified>(from, kind)) {
      const changed = await Promise.all(page.map(record => change(kind, record)))
      const written = changed.filter(record => record !== undefined)
      await to.commit(write(kind, written))
      onCopied?.(kind, written)
    }
  }
}
