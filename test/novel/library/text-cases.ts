import { expect } from 'vitest'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import type { Provenance } from '../../../src/novel/library/provenance.ts'
import { generatedEntries } from '../../../src/novel/library/scenes.ts'
import { ann, importBook, type LibraryCase, type LibraryUnderTest, proposalOf } from './case.ts'

const provenance: Provenance = {
  method: 'generative',
  model: 'scripted/large',
  prompt: { name: 'scene', version: '3', language: 'zh' },
  parameters: { temperature: 0.7, length: 'long', streamed: true },
  usage: { inputTokens: 900, outputTokens: 120, cost: 0.004 },
  finishReason: 'stop',
  brief: '三人结义。',
}

async function withScene({ library }: LibraryUnderTest) {
  const novelId = await importBook(library, 'a')
  const sceneId = sceneIdOf(novelId, 0, 0)
  const { scenes, candidates } = library
  return {
    novelId,
    candidates,
    sceneId,
    scenes,
    read: () => scenes.scene(ann, sceneId),
    text: (content: string, expectedVersion: number, taskId = 'task', attempt = 1) =>
      proposalOf({ sceneId, expectedVersion, content, provenance, writer: { taskId, attempt } }),
    edit: (expectedVersion: number, edit: { content?: string; summary?: string; title?: string }) =>
      scenes.editScene(ann, { sceneId, expectedVersion, ...edit }),
    entries: async () => (await scenes.history(ann, sceneId, { pageSize: 100 })).items,
    restore: (entryId: string | undefined, expectedVersion: number) =>
      scenes.restore(ann, { sceneId, entryId: entryId ?? '', expectedVersion }),
  }
}

/** Texts that tasks write: nobody's work is overwritten unseen, and every text can be traced and put back. */
export const textCases: readonly LibraryCase[] = [
  {
    name: 'a text is kept with where it came from, the one before it in the history, and counted',
    async run(t) {
      const { novelId, read, text, entries, candidates } = await withScene(t)
      const before = await read()
      expect(before).not.toHaveProperty('textOrigin')
      const novel = await t.library.shelf.novel(ann, novelId)
      t.now = 9_000
      const written = await candidates.propose(text('一二三 four', 1, 'task', 2))
      expect(written).toBe('accepted')
      expect(await read()).toMatchObject({
        content: '一二三 four',
        version: 2,
        textVersion: 2,
        words: 4,
        characters: 7,
        updatedAt: 9_000,
      })
      const writing = { writtenBy: { taskId: 'task', attempt: 2 }, writtenAt: 9_000 }
      const accepted = { candidateId: expect.any(String), ...writing }
      expect((await read()).textOrigin).toEqual({ ...provenance, accepted, ...writing })
      expect(await entries()).toMatchObject([
        {
          what: 'text',
          why: 'overwritten',
          text: before.content,
          provenance: { method: 'imported' },
          overwrittenBy: { taskId: 'task', attempt: 2 },
        },
      ])
      expect(await t.library.shelf.novel(ann, novelId)).toMatchObject({
        words: novel.words - before.words + 4,
        characters: novel.characters - before.characters + 7,
        textVersion: 2,
        updatedAt: 9_000,
      })
      const { words } = await t.library.shelf.chapter(ann, before.chapterId)
      expect(words).toBe(6 + 4)
    },
  },
  {
    name: 'summaries and titles that change meanwhile do not stand in the way of a text',
    async run(t) {
      const { read, text, edit, candidates } = await withScene(t)
      await edit(1, { summary: 'mine', title: 'T' })
      expect(await candidates.propose(text('generated', 1))).toBe('accepted')
      const changed = { version: 3, title: 'T', summary: { text: 'mine' }, summaryOutOfDate: true }
      expect(await read()).toMatchObject(changed)
      expect(await candidates.propose(text('from the future', 4, 'other'))).toBe('open')
    },
  },
  {
    name: 'the summary that a text was written from describes it, unless it changed meanwhile',
    async run(t) {
      const { read, text, edit, candidates } = await withScene(t)
      await edit(1, { summary: 'what is to happen' })
      await candidates.propose({ ...text('generated', 2), fromSummary: true })
      expect(await read()).toMatchObject({
        version: 3,
        summaryVersion: 2,
        summaryOutOfDate: false,
        summary: { ofTextVersion: 3, method: 'person' },
      })
      await edit(3, { summary: 'something else' })
      const brief = `${'x'.repeat(1_999)}😀`
      const late = text('generated from the first', 3, 'other')
      await candidates.propose({ ...late, provenance: { ...provenance, brief }, fromSummary: true })
      expect(await read()).toMatchObject({ version: 5, summaryOutOfDate: true })
      expect((await read()).textOrigin?.brief).toBe('x'.repeat(1_999))
    },
  },
  {
    name: 'a summary in conflict is kept too, with where its sentences stand',
    async run(t) {
      const { sceneId, scenes, edit, entries } = await withScene(t)
      await edit(1, { content: 'hers' })
      const summary = {
        sceneId,
        expectedVersion: 1,
        summary: 'late',
        method: 'extractive',
        language: 'zh',
        sentences: [{ start: 0, end: 4 }],
        writer: { taskId: 'task', attempt: 1 },
      } as const
      const written = await scenes.writeSummary(summary)
      expect(await scenes.writeSummary(summary)).toEqual(written)
      const kept = (await entries()).filter(({ what }) => what === 'summary')
      expect(kept).toMatchObject([
        { why: 'conflict', text: 'late', language: 'zh', sentences: [{ start: 0, end: 4 }], version: 1 },
      ])
    },
  },
  {
    name: 'a text that a task made is kept whole, however long it is; a person edits it, and makes no scene that long',
    async run(t) {
      const { read, text, edit, candidates } = await withScene(t)
      const tooLong = { code: 'OPTION_INVALID', message: expect.stringMatching(/at most 50000/) }
      await expect(edit(1, { content: 'x'.repeat(50_001) })).rejects.toMatchObject(tooLong)
      const made = 'The river rose. '.repeat(10_000)
      expect(await candidates.propose(text(made, 1))).toBe('accepted')
      expect(await read()).toMatchObject({ content: made, words: 30_000 })
      const longer = { code: 'OPTION_INVALID', message: expect.stringMatching(/at most 160000/) }
      await expect(edit(2, { content: `${made}x` })).rejects.toMatchObject(longer)
      expect(await edit(2, { title: 'Flood', content: made })).toMatchObject({ outcome: 'applied' })
      const mended = made.replace('river', 'sea')
      expect(await edit(3, { content: mended })).toMatchObject({ outcome: 'applied', version: 4 })
      expect((await read()).content).toBe(mended)
      await edit(4, { content: 'short' })
      await expect(edit(5, { content: 'x'.repeat(50_001) })).rejects.toMatchObject(tooLong)
    },
  },
  {
    name: 'a text without anything to read is refused; of a removed scene nothing is kept',
    async run(t) {
      const { novelId, text, candidates } = await withScene(t)
      for (const content of ['', ' \n　'])
        await expect(candidates.propose(text(content, 1))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      await t.library.shelf.remove(ann, novelId, 1)
      expect(await candidates.propose(text('late', 1))).toBe('missing')
    },
  },
  {
    name: 'an entry is put back; what was there is kept, and the text can still be traced to its attempt',
    async run(t) {
      const { sceneId, scenes, read, text, edit, entries, restore, candidates } = await withScene(t)
      t.now = 100
      await candidates.propose(text('generated', 1, 'task', 3))
      t.now = 200
      await edit(2, { content: 'hers' })
      const [generated] = await entries()
      t.now = 300
      expect(await restore(generated?.id, 2)).toEqual({ outcome: 'conflict', version: 3, textVersion: 3 })
      expect(await restore(generated?.id, 3)).toEqual({ outcome: 'applied', version: 4, textVersion: 4 })
      const accepted = expect.objectContaining({ writtenAt: 100 })
      const origin = {
        ...{ ...provenance, accepted },
        restored: { entryId: generated?.id, writtenBy: { taskId: 'task', attempt: 3 }, writtenAt: 100 },
        writtenBy: { userId: ann },
        writtenAt: 300,
      }
      expect(await read()).toMatchObject({ content: 'generated', characters: 9, textOrigin: origin })
      expect(await restore(generated?.id, 3)).toMatchObject({ outcome: 'applied', version: 4 })
      expect(await entries()).toMatchObject([
        { text: 'hers', provenance: { method: 'person' }, writtenBy: { userId: ann }, writtenAt: 200 },
        { text: 'generated' },
        { provenance: { method: 'imported' } },
      ])
      await edit(4, { content: 'hers again' })
      const [restored] = await entries()
      expect(restored).toMatchObject({ text: 'generated', version: 4 })
      await restore(restored?.id, 5)
      const twice = { entryId: restored?.id, writtenBy: { taskId: 'task', attempt: 3 }, writtenAt: 100 }
      expect((await read()).textOrigin).toMatchObject({ ...provenance, restored: twice })
      const foreign = { sceneId, entryId: generated?.id ?? '', expectedVersion: 6 }
      expect(await scenes.restore('bob', foreign)).toEqual({ outcome: 'missing' })
    },
  },
  {
    name: 'a summary is restored with what it describes',
    async run(t) {
      const { novelId, sceneId, scenes, read, edit, entries, restore } = await withScene(t)
      await scenes.writeSummary({
        sceneId,
        expectedVersion: 1,
        summary: 'first',
        method: 'extractive',
        model: 'extractive',
        language: 'zh',
        sentences: [{ start: 0, end: 4 }],
        writer: { taskId: 'task', attempt: 1 },
      })
      const first = (await read()).summary
      await edit(2, { summary: '' })
      const [removed] = await entries()
      await restore(removed?.id, 3)
      expect((await read()).summary).toMatchObject({
        text: 'first',
        method: 'extractive',
        language: 'zh',
        sentences: [{ start: 0, end: 4 }],
        ofTextVersion: 1,
        writtenBy: { userId: ann },
        restored: { writtenBy: first?.writtenBy, writtenAt: first?.writtenAt },
      })
      expect((await t.library.shelf.novel(ann, novelId)).summaries).toBe(1)
      await edit(4, { content: 'hers', summary: 'second' })
      const kept = (await entries()).find(({ text }) => text === 'first')
      expect(await restore(kept?.id, 4)).toMatchObject({ outcome: 'conflict' })
      await restore(kept?.id, 5)
      expect(await read()).toMatchObject({ summaryOutOfDate: true, summary: { text: 'first' } })
      await edit(6, { summary: 'third' })
      const [outOfDate] = await entries()
      expect(outOfDate).toMatchObject({ text: 'first', version: 6 })
      await restore(outOfDate?.id, 7)
      expect(await read()).toMatchObject({ summaryOutOfDate: true, summary: { ofTextVersion: 1 } })
    },
  },
  {
    name: 'an entry that is not there, or of another scene, is not found',
    async run(t) {
      const { novelId, sceneId, scenes, edit, entries, restore } = await withScene(t)
      await edit(1, { content: 'hers' })
      const entryId = (await entries())[0]?.id ?? ''
      const missing = { code: 'HISTORY_ENTRY_NOT_FOUND' }
      await expect(restore('nowhere', 2)).rejects.toMatchObject(missing)
      const other = { sceneId: sceneIdOf(novelId, 0, 1), entryId }
      await expect(scenes.restore(ann, { ...other, expectedVersion: 1 })).rejects.toMatchObject(missing)
      await expect(scenes.historyEntry(ann, other)).rejects.toMatchObject(missing)
      await expect(scenes.historyEntry('bob', { sceneId, entryId })).rejects.toMatchObject({
        code: 'SCENE_NOT_FOUND',
      })
    },
  },
  {
    name: 'what a person wrote and what was imported is never dropped, however much is written after it',
    async run(t) {
      const { read, text, edit, entries, candidates } = await withScene(t)
      const imported = (await read()).content
      let version = 1
      for (let i = 0; i < 30; i++) await edit(version++, { content: `edit ${i}`, summary: `summary ${i}` })
      for (let i = 0; i < generatedEntries + 6; i++)
        await candidates.propose(text(`generated ${i}`, version++, `task ${i}`))
      const kept = await entries()
      const persons = kept.filter(({ provenance: p }) => p?.method === 'person')
      const edits = Array.from({ length: 30 }, (_, i) => `edit ${29 - i}`)
      expect(persons.filter(({ what }) => what === 'text').map(entry => entry.text)).toEqual(edits)
      expect(persons.filter(({ what }) => what === 'summary')).toHaveLength(29)
      expect(kept.at(-1)).toMatchObject({ text: imported, provenance: { method: 'imported' } })
    },
  },
  {
    name: 'of what models made and no person used, the newest are kept',
    async run(t) {
      const { text, entries, candidates } = await withScene(t)
      const write = (i: number) => candidates.propose(text(`generated ${i}`, i + 1, `task ${i}`))
      for (let i = 0; i < generatedEntries + 3; i++) await write(i)
      const newest = Array.from({ length: generatedEntries }, (_, i) => `generated ${i + 2}`)
      const kept = (await entries()).map(entry => entry.text).reverse()
      expect(kept).toEqual(['刘备见关羽张飞。三人结义。', ...newest])
    },
  },
  {
    name: 'what a model made stays once a person has restored it or written over it',
    async run(t) {
      const { candidates, read, text, edit, entries, restore } = await withScene(t)
      await candidates.propose(text('restored', 1, 'one'))
      await candidates.propose(text('written over', 2, 'two'))
      await restore((await entries())[0]?.id, 3)
      expect((await read()).content).toBe('restored')
      await edit(4, { content: 'hers' })
      for (let i = 0; i < generatedEntries + 2; i++)
        await candidates.propose(text(`generated ${i}`, i + 5, `task ${i}`))
      const [, ...before] = (await entries()).map(entry => entry.text).reverse()
      expect(before.slice(0, 5)).toEqual(['restored', 'written over', 'restored', 'hers', 'generated 1'])
    },
  },
  {
    name: 'entries of long texts are read as they were written, one by one and in pages',
    async run(t) {
      const { sceneId, scenes, edit, restore } = await withScene(t)
      const paragraphs = Array.from(
        { length: 60 },
        (_, i) => `Paragraph ${i}: 曹操 𠀋😀 looks for chapter ${i * 7}.`,
      )
      const versions: string[] = []
      for (let i = 0; i < 120; i++) {
        const at = (i * 37) % paragraphs.length
        paragraphs[at] = `${i % 3 === 0 ? '😀' : '😁'} ${i} ${paragraphs[at]}`
        versions.push(paragraphs.join('\n'))
        await edit(i + 1, { content: versions[i] ?? '' })
      }
      const read: string[] = []
      let entryId = ''
      for (let page: { pageToken?: string } | undefined = {}; page !== undefined; ) {
        const { items, nextPageToken } = await scenes.history(ann, sceneId, { pageSize: 500, ...page })
        expect(items.length).toBeLessThanOrEqual(100)
        for (const entry of items) expect(Object.keys(entry)).not.toContain('difference')
        read.push(...items.map(entry => entry.text))
        entryId = items.at(-2)?.id ?? ''
        page = nextPageToken === undefined ? undefined : { pageToken: nextPageToken }
      }
      expect(read.slice(0, -1)).toEqual(versions.slice(0, -1).reverse())
      expect((await scenes.historyEntry(ann, { sceneId, entryId })).text).toBe(versions[0])
      const { version } = await scenes.scene(ann, sceneId)
      await restore(entryId, version)
      expect((await scenes.scene(ann, sceneId)).content).toBe(versions[0])
    },
  },
]
