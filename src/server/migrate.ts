/** Moves all tasks and novels from one home to another, and compares what is there with what was there. */
import { QuillworkError, systemClock } from '../index.ts'
import { copyLibrary, type LibraryTransfer, type UploadFiles } from '../novel/index.ts'
import type { RowsTransfer } from '../store/transfer.ts'
import { sqliteFileOf } from './addresses.ts'
import type { Home, HomeOptions } from './home.ts'
import { addTo, countedLibrary, countedTasks, type Tally, taskKinds } from './tally.ts'

/** From where to where. */
export interface Move {
  from: Home
  to: Home
  /** Called after each page with what has been copied so far. */
  onProgress?: (copied: Readonly<Tally>) => void
  signal?: AbortSignal
}

/** How many rows of a kind were copied, and found in the new home when it was read again. */
export interface MovedKind {
  kind: string
  copied: number
  found: number
  /** As many, and with the same content. */
  same: boolean
}

/** What a move came to. */
export interface Moved {
  kinds: readonly MovedKind[]
  /** Uploads whose time is not over and whose file was not there: nothing can read them in the new home either. */
  missingFiles: number
}

/** Opens a home by its address. The driver loads with it. */
export async function openHome(options: HomeOptions): Promise<Home> {
  if (sqliteFileOf(options.address) === undefined)
    return (await import('./home-mongodb.ts')).mongoHome(options)
  return (await import('./home-sqlite.ts')).sqliteHome(options)
}

/**
 * Moves everything. The old home is only read. Throws STORE_LOCKED when one of them is in use, STORE_NOT_EMPTY when the new one holds
 * something, TRANSFER_INCOMPLETE when it does not hold what was copied; then, and when it is cut off, it cannot be used, and the move
 * is made again from the start.
 */
export async function migrate({ from, to, onProgress, signal }: Move): Promise<Moved> {
  await from.requireUnused()
  await to.requireUnused()
  await to.begin(from.shown)
  const copied: Tally = new Map()
  const told = () => {
    signal?.throwIfAborted()
    onProgress?.(copied)
  }
  await copyTasks(countedTasks(from.tasks, copied), to, told)
  const missing = new Set<string>()
  const library = withFiles(countedLibrary(from.library, copied), {
    from: from.uploads,
    to: to.uploads,
    copied,
    missing,
  })
  await copyLibrary(library, to.library, { onProgress: told, ...(signal === undefined ? {} : { signal }) })
  const kinds = compared(copied, await read(to, told))
  requireSame(kinds, from, to)
  await from.requireUnused()
  await to.finish()
  return { kinds, missingFiles: missing.size }
}

/** Throws TRANSFER_INCOMPLETE, with the numbers of each kind that differs. */
function requireSame(moved: readonly MovedKind[], from: Home, to: Home): void {
  const wrong = moved.filter(({ same }) => !same)
  if (wrong.length === 0) return
  const numbers = wrong.map(({ kind, copied, found }) => `${kind} ${copied} and ${found}`).join(', ')
  throw new QuillworkError(
    'TRANSFER_INCOMPLETE',
    `${to.shown} does not hold what ${from.shown} holds: ${numbers}.`,
  )
}

async function copyTasks(
  from: ReturnType<typeof countedTasks>,
  { tasks }: Home,
  told: () => void,
): Promise<void> {
  async function copy<Row>(source: RowsTransfer<Row>, target: RowsTransfer<Row>): Promise<void> {
    for await (const rows of source.read()) {
      await target.write(rows)
      told()
    }
  }
  await copy(from.tasks, tasks.tasks)
  await copy(from.output, tasks.output)
  await copy(from.usage, tasks.usage)
  await copy(from.strays, tasks.strays)
  await copy(from.schedules, tasks.schedules)
  await copy(from.pausedLanes, tasks.pausedLanes)
  await copy(from.budgets, tasks.budgets)
}

/** The name under which files that could be copied are counted. */
const filesKind = 'uploaded files'

/** Where files are copied from and to, and what is noted of them. */
interface FilesMove {
  from: UploadFiles
  to: UploadFiles
  copied: Tally
  /** Ids of uploads that should have a file. */
  missing: Set<string>
}

/** Each upload with its file copied first. One whose file is gone stays without, and is noted where its time is not over. */
function withFiles(library: LibraryTransfer, { from, to, copied, missing }: FilesMove): LibraryTransfer {
  const { uploads } = library
  return {
    ...library,
    uploads: {
      write: rows => uploads.write(rows),
      async *read() {
        for await (const rows of uploads.read()) {
          const moved = []
          for (const row of rows) {
            const source = await from.open(row.location, row.fileName)
            const stored = source === undefined ? undefined : await to.write(source.read())
            if (stored !== undefined) addTo(copied, filesKind, { id: row.id, bytes: stored.bytes })
            else if (row.expiresAt > systemClock.now()) missing.add(row.id)
            moved.push(stored === undefined ? row : { ...row, location: stored.location })
          }
          yield moved
        }
      },
    },
  }
}

/** Reads a home to its end. */
async function read({ tasks, library, uploads }: Home, told: () => void): Promise<Tally> {
  const found: Tally = new Map()
  const counted = countedTasks(tasks, found)
  for (const kind of taskKinds) for await (const _ of counted[kind].read()) told()
  const { uploads: uploadRows, ...others } = countedLibrary(library, found)
  for (const rows of Object.values(others)) for await (const _ of rows.read()) told()
  for await (const rows of uploadRows.read()) {
    for (const { id, location, fileName } of rows) {
      const file = await uploads.open(location, fileName)
      if (file !== undefined) addTo(found, filesKind, { id, bytes: await lengthOf(file.read()) })
    }
  }
  return found
}

async function lengthOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const piece of content) bytes += piece.length
  return bytes
}

function compared(copied: Tally, found: Tally): MovedKind[] {
  return [...new Set([...copied.keys(), ...found.keys()])].map(kind => {
    const [was, is] = [copied.get(kind), found.get(kind)]
    const same = was?.count === is?.count && was?.digest === is?.digest
    return { kind, copied: was?.count ?? 0, found: is?.count ?? 0, same }
  })
}
