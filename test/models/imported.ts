/** Novels that are made once in a process and put into the library of each test that begins with one: what an import leaves, and others. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { folderUploads, importNovel, novelIdOf, novelTasks, storeUpload } from 'quillwork/novel'
import { sqlite } from 'quillwork/sqlite'
import { type TestEngine, testEngine } from 'quillwork/testing'
import { expect } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { uploads } from '../../src/novel/library/file-kinds.ts'
import { libraryKinds } from '../../src/novel/library/kinds.ts'
import { novelLibrary } from '../../src/novel/library/library.ts'
import { sqliteLibraryRecords } from '../../src/novel/library/open.ts'
import type { NovelServices } from '../../src/novel/services.ts'
import { everyRecord } from '../../src/records/copy.ts'
import { type Change, type Identified, type Records, write } from '../../src/records/records.ts'

/** A novel as it was made. */
export interface MadeNovel {
  readonly novelId: string
  readonly records: readonly Change[]
}

const made = new Map<string, Promise<MadeNovel>>()

/** Puts a novel into a library that has none; `make` makes it where no other test of the process has. Returns its id. */
export async function putMade(into: Records, key: string, make: () => Promise<MadeNovel>): Promise<string> {
  const novel = made.get(key) ?? make()
  made.set(key, novel)
  const { novelId, records } = await novel
  await into.commit(records)
  return novelId
}

/** Puts the novel of a text into a library that has none, without the task and the upload that it came from. Returns its id. */
export function putImported(into: Records, userId: string, text: string): Promise<string> {
  return putMade(into, JSON.stringify([userId, text]), () => importOnce(userId, text))
}

/** All records of a library but its uploads, as they are written into another one. */
export async function recordsIn(library: Records): Promise<readonly Change[]> {
  const records: Change[] = []
  for (const kind of libraryKinds.filter(({ name }) => name !== uploads.name))
    for await (const page of everyRecord<Identified>(library, kind)) records.push(...write(kind, page))
  return records
}

/** Imports a text to the end, without summaries. Returns its novel's id. */
export async function importWhole(
  t: TestEngine,
  services: NovelServices,
  userId: string,
  text: string,
): Promise<string> {
  async function* content(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  const upload = await storeUpload(services, { userId, fileName: 'book.txt', content: content() })
  const task = await t.submit(importNovel, { uploadId: upload.id, summarise: false }, { userId })
  await t.drain()
  await task.result()
  return novelIdOf(upload.id)
}

async function importOnce(userId: string, text: string): Promise<MadeNovel> {
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-imported-'))
  const opened: { records?: Records } = {}
  const recordsOf = () => opened.records ?? expect.fail('The library is not open.')
  try {
    const services: NovelServices = {
      get library() {
        return novelLibrary(recordsOf(), { now: () => t.clock.now() })
      },
      models: createModelCatalogue({ summary: [extractiveModel()] }),
      uploads: folderUploads(folder),
      now: () => t.clock.now(),
    }
    await using t: TestEngine = await testEngine({
      tasks: novelTasks,
      services,
      lanes: { batch: { slots: 4 } },
      openStore(now) {
        const store = sqlite({ file: ':memory:', now })
        opened.records = sqliteLibraryRecords(store.database)
        return store
      },
    })
    const novelId = await importWhole(t, services, userId, text)
    return { novelId, records: await recordsIn(recordsOf()) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
