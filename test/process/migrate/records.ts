import { mongoLibraryRecords, sqliteLibraryRecords } from '../../../src/novel/index.ts'
import { libraryKinds } from '../../../src/novel/library/kinds.ts'
import { everyRecord } from '../../../src/records/copy.ts'
import type { Identified, Records } from '../../../src/records/records.ts'
import { coldKinds } from '../../../src/store/cold-records.ts'
import { mongodb } from '../../../src/store/mongodb/index.ts'
import type { MongoStore } from '../../../src/store/mongodb/store.ts'
import { type SqliteStore, sqlite } from '../../../src/store/sqlite/index.ts'

interface Rows {
  read(): AsyncIterable<readonly unknown[]>
}

/** Every row of a file or of a database, by kind, as far as two homes with the same content should agree. */
export async function recordsIn(
  home: { file: string } | { url: string },
): Promise<Record<string, unknown[]>> {
  const { parts, close } = await open(home)
  try {
    const found: Record<string, unknown[]> = {}
    for (const [kind, rows] of Object.entries(parts)) {
      const all: unknown[] = []
      for await (const page of rows.read()) all.push(...page.map(comparable))
      found[kind] = kind === 'tasks' ? all : sorted(all)
    }
    return found
  } finally {
    await close()
  }
}

async function open(
  home: { file: string } | { url: string },
): Promise<{ parts: Record<string, Rows>; close(): Promise<void> }> {
  if ('file' in home) {
    const store = sqlite({ file: home.file })
    return { parts: partsOf(store, sqliteLibraryRecords(store.database)), close: () => store.tasks.close() }
  }
  const store = mongodb({ url: home.url })
  const records = mongoLibraryRecords(store.database)
  await store.open()
  return { parts: partsOf(store, records), close: () => store.tasks.close() }
}

function partsOf({ transfer, lanes }: SqliteStore | MongoStore, records: Records): Record<string, Rows> {
  const { begin: _b, finish: _f, ...tasks } = transfer
  const paused = {
    async *read() {
      yield [...(await lanes.paused())].map(lane => ({ lane }))
    },
  }
  const kinds = [...coldKinds, ...libraryKinds].map(kind => [
    kind.name,
    { read: () => everyRecord<Identified>(records, kind) },
  ])
  return { ...tasks, paused, ...Object.fromEntries(kinds) }
}

interface Row {
  record?: { leaseUntil?: number }
  location?: string
}

/** A lease is void where it is written, and a file that is written anew lies elsewhere. */
function comparable(row: unknown): unknown {
  const { record, location: _, ...rest } = row as Row
  return record === undefined ? rest : { ...rest, record: { ...record, leaseUntil: record.leaseUntil && 0 } }
}

function sorted(rows: unknown[]): unknown[] {
  const texts = new Map(rows.map(row => [row, JSON.stringify(row, sortFields)]))
  return rows.sort((one, other) => ((texts.get(one) ?? '') < (texts.get(other) ?? '') ? -1 : 1))
}

function sortFields(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
}
