import { text } from 'node:stream/consumers'
import { Archive } from '../../../src/novel/import/archive.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { zip } from '../import/zip-writer.ts'

/** Returns the files of an archive by their names. */
export async function filesOf(bytes: Uint8Array): Promise<Record<string, string>> {
  const archive = await Archive.open(bytesSource(bytes))
  const files: Record<string, string> = {}
  for (const name of archive.names) files[name] = await text(archive.read(name))
  return files
}

/** Returns all that an archive holds. */
export async function archiveText(bytes: Uint8Array): Promise<string> {
  return Object.values(await filesOf(bytes)).join('\n')
}

/** Returns an archive with other files. */
export async function packed(
  bytes: Uint8Array,
  changes: Readonly<Record<string, (text: string) => string>>,
): Promise<Buffer> {
  const files = Object.entries(await filesOf(bytes))
  return zip(
    files.map(([name, content]) => {
      const changed = changes[name]?.(content) ?? content
      // A half of a surrogate pair stands for bytes that are no text.
      return { name, content: changed === '\ud800' ? Buffer.from([0xff, 0xfe]) : changed }
    }),
  )
}
