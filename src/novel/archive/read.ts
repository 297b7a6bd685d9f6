/** Reading the archive of a novel: what it says of itself, and its rows, each checked before anybody sees it. */
import { z } from 'zod'
import { yieldWhenDue } from '../../runtime/cooperate.ts'
import { Archive } from '../import/archive.ts'
import { type Bounds, checkBound, damaged, importBounds, unsupported } from '../import/bounds.ts'
import type { TextSource } from '../import/source.ts'
import type { PlacedRow } from './archives.ts'
import { Placing } from './placing.ts'
import {
  type ArchivedRow,
  archivedRows,
  archiveFiles,
  archiveFormat,
  archiveVersion,
  manifestName,
  type RowName,
} from './rows.ts'

/** The bounds of an archive: it is read line by line, and its histories repeat themselves more than any text. */
const archiveBounds: Bounds = {
  ...importBounds,
  entryBytes: 4_000_000_000,
  totalBytes: 4_000_000_000,
  ratio: 1_100,
}

const manifest = z.object({
  format: z.literal(archiveFormat),
  version: z.int().min(1),
  counts: z.record(z.string(), z.int().min(0)),
})

/** Whether a packed file is the archive of a novel. */
export function isNovelArchive(archive: Archive): boolean {
  return archive.has(manifestName)
}

/**
 * Yields the rows of an archive, each with its place. Throws FILE_KIND_UNSUPPORTED for an archive of a later version, FILE_DAMAGED, FILE_LIMIT_EXCEEDED, the signal's reason,
 * what the source throws.
 */
export async function* readNovelArchive(
  source: TextSource,
  { signal, bounds = archiveBounds }: { signal?: AbortSignal | undefined; bounds?: Bounds } = {},
): AsyncGenerator<PlacedRow> {
  const archive = await Archive.open(source, { bounds, signal })
  const { counts } = await readManifest(archive)
  const takeTurns = yieldWhenDue(signal)
  const placing = new Placing(bounds)
  for (const [file, names] of Object.entries(archiveFiles)) {
    let number = 0
    for await (const line of linesOf(archive, file)) {
      await takeTurns()
      yield placing.place(rowOf(line, names, { where: `${file}, line ${++number}`, bounds }))
    }
  }
  placing.end()
  for (const [name, count] of Object.entries(counts))
    if (Object.hasOwn(archivedRows, name) && placing.counts[name as RowName] !== count)
      throw damaged(`has ${placing.counts[name as RowName]} rows of the kind ${name}, and says ${count}`)
}

async function readManifest(archive: Archive): Promise<z.output<typeof manifest>> {
  let text = ''
  for await (const line of linesOf(archive, manifestName)) {
    text += line
    checkBound(archive.bounds, 'line', text.length, manifestName)
  }
  const read = manifest.safeParse(parsed(text, manifestName))
  if (!read.success) throw damaged(`has a ${manifestName} that is none of an archive of a novel`)
  const { version } = read.data
  if (version > archiveVersion)
    throw unsupported({
      what: `an archive of a later version of Quillwork (version ${version} of the format; this one reads ${archiveVersion})`,
      advice: 'Update Quillwork, and import it then.',
    })
  return read.data
}

/** Yields the lines of a file. Memory is bounded by the longest one. */
async function* linesOf(archive: Archive, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let waiting = ''
  const decoded = (bytes?: Uint8Array) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch (cause) {
      throw damaged(`has bytes that are no text in ${name}`, cause)
    }
  }
  for await (const bytes of archive.read(name)) {
    const text = decoded(bytes)
    let from = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      const line = waiting + text.slice(from, end)
      checkBound(archive.bounds, 'line', line.length, name)
      yield line
      waiting = ''
      from = end + 1
    }
    waiting += text.slice(from)
    checkBound(archive.bounds, 'line', waiting.length, name)
  }
  waiting += decoded()
  if (waiting !== '') yield waiting
}

/** Returns the row of a line, an object with the name of its kind. Fields that this version does not know are left out. */
function rowOf(
  line: string,
  names: readonly RowName[],
  { where, bounds }: { where: string; bounds: Bounds },
): ArchivedRow {
  const held = parsed(line, where)
  const [[name = '', fields] = [], ...more] =
    typeof held === 'object' && held !== null ? Object.entries(held) : []
  const of = names.find(each => each === name)
  if (of === undefined || more.length > 0) throw damaged(`has no row of a novel in ${where}`)
  for (const text of [Reflect.get(Object(fields), 'content'), Reflect.get(Object(fields), 'text')])
    if (typeof text === 'string') checkBound(bounds, 'sceneLength', text.length, where)
  const { data, error } = archivedRows[of].row.safeParse(fields)
  if (data !== undefined) return { of, row: data } as ArchivedRow
  const [issue] = error.issues
  const path = issue?.path.join('.') ?? ''
  throw damaged(`has a row that is not taken in ${where}: ${path}: ${issue?.message}`)
}

/** Throws FILE_DAMAGED for what is no JSON, and for a key that would change what an object is. */
function parsed(text: string, where: string): unknown {
  // Few lines have an escape by its number; only these may hide the key.
  const isSuspect = text.includes('__proto__') || text.includes('\\u')
  try {
    return isSuspect ? JSON.parse(text, refusePrototype) : JSON.parse(text)
  } catch (cause) {
    throw damaged(`has a row that is no JSON in ${where}`, cause)
  }
}

function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw damaged('has an object with the key __proto__')
  return value
}
