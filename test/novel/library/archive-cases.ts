import { expect } from 'vitest'
import { listFindings } from '../../../src/novel/codex/findings.ts'
import { archiveOf, importBytes, wholeNovel } from '../archive/whole-novel.ts'
import { ann, type LibraryCase, type LibraryUnderTest } from './case.ts'

/** Makes a novel with everything, and one of its archive for another user. */
async function withCopy(t: LibraryUnderTest) {
  const novelId = await wholeNovel(t)
  const archive = await archiveOf(t.library, novelId)
  t.now = 1_000
  const copy = await importBytes(t.library, archive, { importId: 'copy', userId: 'bob' })
  return { novelId, archive, copy }
}

const page = { pageSize: 500 }

/** The ids of the scenes of a novel, in reading order. */
async function sceneIdsOf({ library }: LibraryUnderTest, userId: string, novelId: string) {
  return (await library.shelf.scenes(userId, { novelId }, page)).items.map(({ id }) => id)
}

/** Archives of novels: all of a novel, out of a library and into one. */
export const archiveCases: readonly LibraryCase[] = [
  {
    name: 'a novel with everything is the same when its archive was imported, for another user too',
    async run(t) {
      const { library } = t
      const { novelId, archive, copy } = await withCopy(t)
      expect(copy).not.toBe(novelId)
      expect((await archiveOf(library, copy, 'bob')).equals(archive)).toBe(true)
      expect((await archiveOf(library, novelId)).equals(archive)).toBe(true)
      expect((await library.shelf.novels(ann, page)).items.map(({ id }) => id)).toEqual([novelId])
      const [counts, copied] = [
        await library.shelf.about(ann, novelId),
        await library.shelf.about('bob', copy),
      ]
      const { id: _, userId: __, createdAt: ___, textVersion: ____, version, ...rest } = counts
      expect(copied).toMatchObject({ ...rest, createdAt: 1_000, textVersion: 1, version: 1 })
      expect(version).toBeGreaterThan(1)
    },
  },
  {
    name: 'what is moved, deleted and added while an archive is written is where it was when that began',
    async run(t) {
      const { library } = t
      const novelId = await wholeNovel(t)
      const before = (await library.shelf.chapters(ann, { novelId }, page)).items
      const [from, to] = [before[3], before[9]]
      const meddling = {
        ...library,
        archives: {
          ...library.archives,
          async pack(...asked: Parameters<typeof library.archives.pack>) {
            const packed = await library.archives.pack(...asked)
            const sceneId = from?.sceneIds[0] ?? ''
            await library.shape.moveScene(ann, { sceneId, chapterId: to?.id ?? '' })
            await library.bin.remove(ann, { novelId, what: 'chapter', id: before[5]?.id ?? '' })
            const [last] = (await library.bin.entries(ann, novelId)).slice(-1)
            await library.bin.restore(ann, { novelId, entryId: last?.id ?? '' })
            await library.shape.addChapter(ann, { novelId, id: 'late', title: 'Late' })
            await library.scenes.appendScene({
              userId: ann,
              chapterId: 'late',
              id: 'later',
              writer: { userId: ann },
            })
            await library.snapshots.create(ann, { id: 'late', novelId, name: 'Late' })
            return packed
          },
        },
      }
      const copy = await importBytes(library, await archiveOf(meddling, novelId), {
        importId: 'copy',
        userId: 'bob',
      })
      const after = (await library.shelf.chapters('bob', { novelId: copy }, page)).items
      const shown = (chapters: typeof before) =>
        chapters.map(({ title, words, sceneIds }) => [title, words, sceneIds.length])
      expect(shown(after)).toEqual(shown(before))
      expect(await library.bin.entries('bob', copy)).toHaveLength(3)
    },
  },
  {
    name: 'what an archive brings goes on: versions, candidates, findings, summaries, snapshots and the bin',
    async run(t) {
      const { library } = t
      const { novelId, copy } = await withCopy(t)
      const [of, ofCopy] = [await sceneIdsOf(t, ann, novelId), await sceneIdsOf(t, 'bob', copy)]
      const texts = async (userId: string, sceneId = '') =>
        (await library.scenes.history(userId, sceneId, page)).items.map(({ text }) => text)
      expect(await texts('bob', ofCopy[0])).toEqual(await texts(ann, of[0]))
      const written = await Promise.all(ofCopy.map(id => library.scenes.scene('bob', id)))
      const [open] = written.filter(({ openCandidates }) => openCandidates !== undefined)
      const filter = { sceneId: open?.id ?? '', status: ['open'] as const }
      const [candidate] = (await library.candidates.candidates('bob', filter, page)).items
      expect(candidate).toMatchObject({ text: 'Of three.', writtenBy: { taskId: 'three' } })
      const states = async (userId: string, id: string) =>
        (await library.levels.outline(userId, id)).units.map(({ level, state, version }) => [
          level,
          state,
          version,
        ])
      expect(await states('bob', copy)).toEqual(await states(ann, novelId))
      const intended = async (userId: string, id: string) =>
        (await listFindings({ library }, { userId, novelId: id }, page)).items.map(each => [
          each.code,
          each.intended,
        ])
      expect(await intended('bob', copy)).toEqual(await intended(ann, novelId))
      expect((await intended('bob', copy)).filter(([, reason]) => reason !== undefined)).toHaveLength(2)
      const changes = async (userId: string, id: string) => {
        const [, first] = (await library.snapshots.snapshots(userId, id, page)).items
        const { scenes, ...counts } = await library.snapshots.compare(userId, {
          novelId: id,
          snapshotId: first?.id ?? '',
        })
        return [counts, scenes.map(({ change, wordsThen }) => [change, wordsThen])]
      }
      expect(await changes('bob', copy)).toEqual(await changes(ann, novelId))
      const accept = {
        sceneId: open?.id ?? '',
        candidateId: candidate?.id ?? '',
        expectedVersion: open?.version ?? 0,
        content: 'Of both.',
      }
      expect(await library.candidates.accept('bob', accept)).toMatchObject({ outcome: 'applied' })
      const entries = await library.bin.entries('bob', copy)
      expect(entries.map(({ what, title, chapters, scenes }) => [what, title, chapters, scenes])).toEqual([
        ['volume', 'Volume Two', 1, 2],
        ['chapter', 'Day 7', 1, 2],
        ['scene', '', 0, 1],
      ])
      t.now += 29 * 86_400_000
      expect(await library.bin.purge()).toEqual({ isMore: false, purged: 0 })
      for (const { id } of entries) await library.bin.restore('bob', { novelId: copy, entryId: id })
      const restored = await library.shelf.novel('bob', copy)
      expect(restored).toMatchObject({ volumes: 3, chapters: 30, scenes: 60 })
      expect(await sceneIdsOf(t, 'bob', copy)).toHaveLength(60)
      while ((await library.shelf.remove('bob', copy)) === 'more') {}
      expect(await library.drafts.find(copy)).toBeUndefined()
      expect(await texts(ann, of[0])).toHaveLength(9)
    },
  },
]
