import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { buffer as consumed } from 'node:stream/consumers'
import { folderUploads } from 'quillwork/novel'
import { describe, expect, test } from 'vitest'
import { type FilesUnderTest, filesCases } from './cases.ts'

class FolderUnderTest implements FilesUnderTest, Disposable {
  readonly parent = mkdtempSync(path.join(tmpdir(), 'quillwork-uploads-'))
  readonly folder = path.join(this.parent, 'uploads')
  readonly files = folderUploads(this.folder)
  readonly elsewhere = folderUploads(this.folder)

  readonly left = async () => readdirSync(this.folder)

  readonly damage = async (location: string) => rmSync(path.join(this.folder, location))

  readonly dieWhileWriting = async () =>
    writeFileSync(path.join(this.folder, `${randomUUID()}.txt.part`), 'ha');

  [Symbol.dispose]() {
    rmSync(this.parent, { recursive: true, force: true })
  }
}

describe('uploads in a folder', () => {
  for (const { name, run } of filesCases) {
    test(name, async () => {
      using under = new FolderUnderTest()
      writeFileSync(path.join(under.parent, 'secret.txt'), 'secret')
      await run(under)
      expect(readdirSync(under.parent)).toContain('secret.txt')
    })
  }

  test('are for this user alone, with their folder', async () => {
    using under = new FolderUnderTest()
    const umask = process.umask(0)
    try {
      const { location } = await under.files.write(Readable.from([Buffer.from('text')]))
      const modes = [under.folder, path.join(under.folder, location)].map(each => statSync(each).mode & 0o777)
      expect(modes).toEqual([0o700, 0o600])
    } finally {
      process.umask(umask)
    }
  })

  test('that cannot be read now are not missing: the reading can be tried again, and tells no path', async () => {
    using under = new FolderUnderTest()
    const { location } = await under.files.write(Readable.from([Buffer.from('text')]))
    const source = await under.files.open(location, 'a.txt')
    rmSync(under.folder, { recursive: true })
    writeFileSync(under.folder, 'no folder')
    const failed = { code: 'STORE_FAILED', message: 'The file of the upload could not be read (ENOTDIR).' }
    await expect(under.files.open(location, 'a.txt')).rejects.toMatchObject(failed)
    await expect(consumed(Readable.from(source?.read() ?? []))).rejects.toMatchObject(failed)
  })

  test('before the first upload there is nothing to remove', async () => {
    using under = new FolderUnderTest()
    expect(await under.files.removeUnfinished(0)).toBe(0)
  })
})
