/** The library of a database as rows that can be moved to another storage. */
import type { SharedDatabase } from '../../../store/mongodb/database.ts'
import type { ChapterRow, LibraryTransfer, NovelRow, RowTransfer, UploadRow, VolumeRow } from '../transfer.ts'
import { replacement } from './draft-rows.ts'
import { pagesById, pagesByOrder } from './pages.ts'
import type { ChapterDocument, NovelDocument, UploadDocument, VolumeDocument } from './schema.ts'
import { type LibrarySession, librarySession, nextNumber } from './session.ts'
import { scenesTransfer } from './transfer-scenes.ts'
import { segmentsTransfer } from './transfer-segments.ts'

/** Uploads of a page: each can have a preview of hundreds of KB. */
const pageUploads = 20

/** Reads and writes the rows of the library of a database; it was made by `mongoLibrary` before the database was opened. */
export function mongoTransfer(database: SharedDatabase): LibraryTransfer {
  const library = librarySession(database, Date.now)
  return {
    novels: novelsTransfer(library),
    volumes: volumesTransfer(library),
    chapters: chaptersTransfer(library),
    scenes: scenesTransfer(library),
    segments: segmentsTransfer(library),
    uploads: uploadsTransfer(library),
  }
}

function novelsTransfer(library: LibrarySession): RowTransfer<NovelRow> {
  const { database, novels } = library
  return {
    async *read() {
      for await (const page of pagesByOrder(library, novels)) yield page.map(novelRowOf)
    },
    async write(rows) {
      for (const { id, author = null, language = null, ...novel } of rows) {
        // The number of a novel that was written before stays.
        const onInsert = { order: await nextNumber(library, 'novels'), takenUpBy: '', locks: 0 }
        await database.run('write novel', () =>
          novels.updateOne(
            { _id: id },
            { $set: { ...novel, author, language }, $setOnInsert: onInsert },
            { upsert: true },
          ),
        )
      }
    },
  }
}

function novelRowOf(novel: NovelDocument): NovelRow {
  const { _id: id, order: _, takenUpBy: __, locks: ___, author, language, index, ...row } = novel
  const { lastGeneration, answering } = index
  return {
    id,
    ...row,
    ...(author === null ? {} : { author }),
    ...(language === null ? {} : { language }),
    index: { lastGeneration, ...(answering === undefined ? {} : { answering }) },
  }
}

function volumesTransfer(library: LibrarySession): RowTransfer<VolumeRow> {
  return {
    async *read() {
      for await (const page of pagesById(library, library.volumes)) {
        yield page.map(({ _id: id, ...volume }) => ({ id, ...volume }))
      }
    },
    async write(rows) {
      const documents = rows.map(({ id, ...volume }): VolumeDocument => ({ _id: id, ...volume }))
      await library.database.run('write volumes', () => library.volumes.bulkWrite(documents.map(replacement)))
    },
  }
}

function chaptersTransfer(library: LibrarySession): RowTransfer<ChapterRow> {
  return {
    async *read() {
      for await (const page of pagesById(library, library.chapters)) {
        yield page.map(({ _id: id, ...chapter }) => ({ id, ...chapter }))
      }
    },
    async write(rows) {
      const documents = rows.map(({ id, ...chapter }): ChapterDocument => ({ _id: id, ...chapter }))
      await library.database.run('write chapters', () =>
        library.chapters.bulkWrite(documents.map(replacement)),
      )
    },
  }
}

function uploadsTransfer(library: LibrarySession): RowTransfer<UploadRow> {
  const { database, uploads } = library
  return {
    async *read() {
      for await (const page of pagesByOrder(library, uploads, pageUploads)) yield page.map(uploadRowOf)
    },
    async write(rows) {
      for (const { id, ...upload } of rows) {
        const onInsert = { order: await nextNumber(library, 'uploads') }
        await database.run('write upload', () =>
          uploads.updateOne({ _id: id }, { $set: upload, $setOnInsert: onInsert }, { upsert: true }),
        )
      }
    },
  }
}

function uploadRowOf({ _id: id, order: _, ...upload }: UploadDocument): UploadRow {
  return { id, ...upload }
}
