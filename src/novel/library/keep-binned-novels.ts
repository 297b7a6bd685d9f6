/** The bin of whole novels: the status of one hides it from all readers, and a row beside it says until when it can be put back. */
import { QuillworkError } from '../../index.ts'
import { getOne, insert, type Records, remove, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { type BinnedNovel, type BinnedNovels, binnedFor } from './bin.ts'
import { type BinnedNovelRecord, binnedNovels, type LibraryParts, novels, ownNovel } from './kinds.ts'
import { novelNotFound } from './refusal.ts'
import { countsOf } from './write-draft.ts'

/** The bin of the novels of a library. */
export function novelsInBin(library: LibraryParts): BinnedNovels {
  const { records, now } = library
  return {
    async put(userId, novelId) {
      for (;;) {
        const there = await getOne(records, binnedNovels, novelId)
        if (there?.userId === userId) return shown(there)
        const novel = await ownNovel(library, userId, novelId)
        const { shelvedAt: _, ...rest } = novel
        const { id, title, author, language } = novel
        const at = now()
        const binned = {
          ...{ id, userId, title, ...defined({ author, language }), ...countsOf(novel) },
          ...{ binnedAt: at, expiresAt: at + binnedFor },
        }
        const hidden = replace(novels, { ...rest, status: 'binned' })
        if ((await records.commit([hidden, insert(binnedNovels, binned)])) === 'applied')
          return shown({ ...binned, revision: '' })
      }
    },
    async list(userId) {
      const query = { equal: { userId }, order: ['expiresAt'], reverse: true } as const
      return (await records.find(binnedNovels, query)).map(shown)
    },
    async restore(userId, novelId) {
      for (;;) {
        const [novel, there] = await Promise.all([
          getOne(records, novels, novelId),
          getOne(records, binnedNovels, novelId),
        ])
        if (novel?.userId !== userId || novel.status !== 'binned' || there === undefined)
          throw novelNotFound(novelId)
        const { publishedAt: shelvedAt = novel.createdAt } = novel
        const back = replace(novels, { ...novel, status: 'published', shelvedAt })
        if ((await records.commit([back, remove(binnedNovels, there)])) === 'applied') return
      }
    },
    async expired() {
      const query = { most: { expiresAt: now() }, order: ['expiresAt'], limit: 1 } as const
      const [novel] = await records.find(binnedNovels, query)
      return novel && { userId: novel.userId, novelId: novel.id }
    },
  }
}

/** Returns records, for reading alone, in which a novel of the bin is one of the shelf. */
export function unbinned(records: Records): Records {
  return {
    async get(kind, ids, without) {
      const found = await records.get(kind, ids, without)
      if (kind.name !== novels.name) return found
      const shelved = [...found].map(([id, record]) => [id, onShelf(record)] as const)
      return new Map(shelved)
    },
    find: (kind, query, without) => records.find(kind, query, without),
    sum: (kind, query) => records.sum(kind, query),
    async commit() {
      throw new QuillworkError('INTERNAL', 'A library in which the bin is found is for reading alone.')
    },
  }
}

function onShelf<R extends object>(record: R): R {
  return Reflect.get(record, 'status') === 'binned' ? { ...record, status: 'published' } : record
}

function shown({ userId: _, revision: __, ...novel }: Stored<BinnedNovelRecord>): BinnedNovel {
  return novel
}
