import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { QuillworkError } from '../../../index.ts'
import { syncFolder } from '../../../runtime/sync-folder.ts'
import { fileSource } from '../../import/source.ts'
import { type UploadFiles, vanished } from '../files.ts'

/** The suffix of an incomplete file. */
const unfinished = '.part'

/** Returns a storage of uploads and exports in a folder of this machine; creates the folder if needed, for this user alone. */
export function folderUploads(folder: string): UploadFiles {
  return {
    async write(content, begun) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const location = `${randomUUID()}.txt`
      const target = path.join(folder, location)
      try {
        await begun?.(location)
        const bytes = await writeFile(target + unfinished, content)
        await finish(target)
        await syncFolder(folder)
        return { location, bytes }
      } catch (error) {
        await rm(target + unfinished, { force: true })
        await rm(target, { force: true })
        throw error
      }
    },
    async open(location, name) {
      const file = path.join(folder, location)
      // A link could lead out of the folder.
      if (!isPlain(location) || !(await isFile(file))) return undefined
      const source = await fileSource(file, name).catch(error => unlessMissing(error.cause))
      if (source === undefined) return undefined
      return {
        ...source,
        read: () => readable(source.read()),
        readRange: (from, to) => readable(source.readRange(from, to)),
      }
    },
    async remove(location) {
      if (!isPlain(location)) return
      for (const name of [location, location + unfinished]) await rm(path.join(folder, name), { force: true })
    },
    async stored(olderThanMs) {
      return (await olderFiles(folder, olderThanMs)).filter(isPlain)
    },
    async removeUnfinished(olderThanMs) {
      const names = (await olderFiles(folder, olderThanMs)).filter(
        each => each.endsWith(unfinished) && isPlain(each.slice(0, -unfinished.length)),
      )
      for (const name of names) await rm(path.join(folder, name), { force: true })
      return names.length
    },
  }
}

/** Whether a location has the form that `write` gives; another one could lead out of the folder. */
function isPlain(location: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.txt$/.test(location)
}

async function isFile(file: string): Promise<boolean> {
  return (await lstat(file).catch(unlessMissing))?.isFile() === true
}

/** Yields the bytes of a file. Throws TEXT_UNREADABLE when it is missing, STORE_FAILED when it cannot be read now. */
async function* readable(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    unlessMissing(error)
    throw vanished()
  }
}

/** Returns undefined for the error of a missing file, and for none. Throws STORE_FAILED for another one, without its cause: it names a path of the server. */
function unlessMissing(error: unknown): undefined {
  const { code = 'ENOENT' } = (error ?? {}) as NodeJS.ErrnoException
  if (code !== 'ENOENT')
    throw new QuillworkError('STORE_FAILED', `The file of the upload could not be read (${code}).`)
}

async function writeFile(target: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  await using handle = await open(target, 'wx', 0o600)
  let bytes = 0
  for await (const piece of content) {
    bytes += piece.length
    await handle.writeFile(piece)
  }
  await handle.sync()
  return bytes
}

/** Gives a file its name. Throws TEXT_UNREADABLE when it was deleted while it was written. */
async function finish(target: string): Promise<void> {
  try {
    await rename(target + unfinished, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw vanished()
    throw error
  }
}

/** Returns the names of the files that were written last at least that many milliseconds ago. */
async function olderFiles(folder: string, olderThanMs: number): Promise<string[]> {
  const older: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const written = await lstat(path.join(folder, name)).catch(() => undefined)
    // The clock of the file system has a finer resolution.
    if (written?.isFile() === true && Date.now() - Math.floor(written.mtimeMs) >= olderThanMs)
      older.push(name)
  }
  return older
}
