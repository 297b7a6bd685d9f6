import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileSource } from '../../import/source.ts'
import { type UploadFiles, vanished } from '../files.ts'

/** The end of the name of a file that is not whole yet. */
const unfinished = '.part'

/** Uploads in a folder of this machine, which is made when it is missing. */
export function folderUploads(folder: string): UploadFiles {
  return {
    async write(content) {
      await mkdir(folder, { recursive: true })
      const location = `${randomUUID()}.txt`
      const target = path.join(folder, location)
      try {
        const bytes = await writeFile(target + unfinished, content)
        await rename(target + unfinished, target)
        await syncFolder(folder)
        return { location, bytes }
      } catch (error) {
        await rm(target + unfinished, { force: true })
        await rm(target, { force: true })
        throw error
      }
    },
    async open(location, name) {
      if (!isPlain(location)) return undefined
      const source = await fileSource(path.join(folder, location), name).catch(() => undefined)
      if (source === undefined) return undefined
      return {
        ...source,
        read: () => readable(source.read()),
        readRange: (from, to) => readable(source.readRange(from, to)),
      }
    },
    async remove(location) {
      if (isPlain(location)) await rm(path.join(folder, location), { force: true })
    },
    removeUnfinished: olderThanMs => removeUnfinished(folder, olderThanMs),
  }
}

/** Whether a location is a name that `write` gave; anything else could lead out of the folder. */
function isPlain(location: string): boolean {
  return /^[\w-]+\.txt$/.test(location)
}

/** The bytes of a file. Why they cannot be read names a path of the server, which is nothing for the person who asks. */
async function* readable(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch {
    throw vanished()
  }
}

async function writeFile(target: string, content: AsyncIterable<Uint8Array>): Promise<number> {
  const handle = await open(target, 'wx')
  try {
    let bytes = 0
    for await (const piece of content) {
      bytes += piece.length
      await handle.writeFile(piece)
    }
    await handle.sync()
    return bytes
  } finally {
    await handle.close()
  }
}

/** Makes the entry of a new file durable. A system that cannot open a folder keeps its entries by itself. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeUnfinished(folder: string, olderThanMs: number): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  let removed = 0
  for (const name of names.filter(each => each.endsWith(unfinished))) {
    const file = path.join(folder, name)
    const { mtimeMs } = await stat(file)
    // The file system counts finer than the clock.
    if (Date.now() - Math.floor(mtimeMs) < olderThanMs) continue
    await rm(file, { force: true })
    removed += 1
  }
  return removed
}
