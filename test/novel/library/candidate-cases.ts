import { expect } from 'vitest'
import {
  type CandidateStatus,
  keptCandidates,
  type TextProposal,
} from '../../../src/novel/library/candidates.ts'
import { sceneIdOf } from '../../../src/novel/library/ids.ts'
import { generatedEntries } from '../../../src/novel/library/scenes.ts'
import { ann, importBook, type LibraryCase, type LibraryUnderTest, proposalOf } from './case.ts'

const original = '刘备见关羽张飞。三人结义。'

async function withScene({ library }: LibraryUnderTest) {
  const novelId = await importBook(library, 'a')
  const sceneId = sceneIdOf(novelId, 0, 0)
  const { scenes, candidates } = library
  const page = { pageSize: 100 }
  return {
    novelId,
    sceneId,
    candidates,
    read: () => scenes.scene(ann, sceneId),
    /** Proposes a text for the author to decide about. */
    propose: async (content: string, more: Partial<TextProposal> = {}) => {
      const proposal = proposalOf({
        ...{ sceneId, content, expectedVersion: 1, accept: 'by-author', rootTaskId: 'run' },
        ...{ writer: { taskId: content, attempt: 1 }, ...more },
      })
      expect(await candidates.propose(proposal)).not.toBe('missing')
      return proposal.id
    },
    edit: (expectedVersion: number, edit: { content?: string; summary?: string }) =>
      scenes.editScene(ann, { sceneId, expectedVersion, ...edit }),
    list: async (...status: CandidateStatus[]) => {
      const filter = { sceneId, ...(status.length === 0 ? {} : { status }) }
      return (await candidates.candidates(ann, filter, page)).items
    },
    accept: (candidateId: string, expectedVersion: number, content?: string) =>
      candidates.accept(ann, { sceneId, candidateId, expectedVersion, ...(content && { content }) }),
    discard: (candidateId: string, expectedVersion: number) =>
      candidates.discard(ann, { sceneId, candidateId, expectedVersion }),
    history: async () => (await scenes.history(ann, sceneId, page)).items,
  }
}

const texts = (items: readonly { text: string }[]) => items.map(({ text }) => text)

/** Texts beside that of a scene: nothing is replaced unless somebody accepts one, and what was replaced can be had back. */
export const candidateCases: readonly LibraryCase[] = [
  {
    name: 'a text stands beside that of its scene, with all that is known of it, and changes nothing',
    async run(t) {
      const { novelId, sceneId, candidates, propose, read, history } = await withScene(t)
      const before = await read()
      const novel = await t.library.shelf.novel(ann, novelId)
      t.now = 70
      const provenance = { method: 'generative', model: 'm', finishReason: 'stop' } as const
      const faults = [{ code: 'LENGTH' as const, message: 'It is too long.', figure: 2.5 }]
      const writer = { taskId: 'task', attempt: 3 }
      const id = await propose('made', {
        provenance,
        faults,
        marks: [],
        writer,
        number: 2,
        insteadOf: 'first',
      })
      expect(await read()).toEqual({ ...before, openCandidates: 1 })
      expect(await history()).toEqual([])
      expect(await t.library.shelf.novel(ann, novelId)).toEqual(novel)
      expect(await candidates.candidate(ann, { sceneId, candidateId: id })).toEqual({
        ...{ id, sceneId, novelId, status: 'open', text: 'made', words: 1, characters: 4, baseVersion: 1 },
        ...{ provenance, faults, marks: [], number: 2, insteadOf: 'first', rootTaskId: 'run' },
        ...{ writtenBy: writer, createdAt: 70 },
      })
    },
  },
  {
    name: 'one that is not to be offered is kept, closed by its task',
    async run(t) {
      const { propose, read, list } = await withScene(t)
      const before = await read()
      const id = await propose('the worse one', { accept: 'never' })
      expect(await read()).toEqual(before)
      expect(await list()).toMatchObject([
        { id, status: 'discarded', closedBy: { taskId: 'the worse one', attempt: 1 } },
      ])
    },
  },
  {
    name: 'enters by itself where nothing is replaced, or where that is wished and nobody changed the text',
    async run(t) {
      const { library } = t
      const { sceneId, novelId, edit, read } = await withScene(t)
      const { candidates } = library
      const empty = sceneIdOf(novelId, 1, 0)
      const outcomeOf = (proposal: Partial<TextProposal>, taskId: string) =>
        candidates.propose(
          proposalOf({
            ...{ sceneId, content: taskId, expectedVersion: 1, writer: { taskId, attempt: 1 } },
            ...proposal,
          }),
        )
      expect(await outcomeOf({ accept: 'where-empty' }, 'beside')).toBe('open')
      expect(await outcomeOf({ accept: 'by-author', sceneId: empty }, 'waits')).toBe('open')
      expect(await outcomeOf({ accept: 'where-empty', sceneId: empty }, 'first')).toBe('accepted')
      expect(await outcomeOf({ accept: 'where-empty', sceneId: empty }, 'second')).toBe('open')
      expect(await outcomeOf({ accept: 'automatically' }, 'replaces')).toBe('accepted')
      expect((await read()).content).toBe('replaces')
      await edit(2, { content: 'hers' })
      expect(await outcomeOf({ accept: 'automatically', expectedVersion: 2 }, 'late')).toBe('open')
      expect((await read()).content).toBe('hers')
      await edit(3, { content: '' })
      expect(await outcomeOf({ accept: 'where-empty', expectedVersion: 3 }, 'later')).toBe('open')
    },
  },
  {
    name: 'is kept once however often it is proposed, and says what became of it',
    async run(t) {
      const { novelId, propose, list, accept, read, edit } = await withScene(t)
      const id = await propose('made')
      await propose('another text of the same', { id })
      const elsewhere = { id, sceneId: sceneIdOf(novelId, 0, 1) }
      await expect(propose('of another scene', elsewhere)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      expect(texts(await list())).toEqual(['made'])
      await accept(id, 1)
      await edit(2, { content: 'hers' })
      await propose('made', { id, accept: 'automatically' })
      // Its text is kept as one of the scene, once.
      expect(await read()).toMatchObject({ content: 'hers', version: 3 })
      expect(await list()).toMatchObject([{ text: 'made', status: 'accepted' }])
    },
  },
  {
    name: 'of many proposed at the same time one enters, and all others wait',
    async run(t) {
      const { read, list, propose } = await withScene(t)
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => propose(`text ${i}`, { accept: 'automatically' })),
      )
      const { content, openCandidates } = await read()
      expect(texts(await list('accepted'))).toEqual([content])
      expect(openCandidates).toBe(9)
      const all = Array.from({ length: 10 }, (_, i) => `text ${i}`)
      expect(texts(await list()).sort()).toEqual(all)
    },
  },
  {
    name: 'is accepted under the text that the author has seen; what was there goes into the history',
    async run(t) {
      const { propose, accept, edit, read, list, history } = await withScene(t)
      t.now = 10
      const id = await propose('made')
      await edit(1, { content: 'hers' })
      expect(await accept(id, 1)).toMatchObject({ outcome: 'conflict', version: 2 })
      await edit(2, { summary: 'a summary is no hindrance' })
      t.now = 20
      for (const _ of ['once', 'sent again'])
        expect(await accept(id, 2)).toEqual({ outcome: 'applied', version: 4, textVersion: 4 })
      const writer = { writtenBy: { taskId: 'made', attempt: 1 }, writtenAt: 10 }
      expect(await read()).toMatchObject({
        content: 'made',
        textOrigin: {
          method: 'generative',
          accepted: { candidateId: id, ...writer },
          ...{ writtenBy: { userId: ann }, writtenAt: 20 },
        },
      })
      expect(await list()).toMatchObject([{ status: 'accepted', closedBy: { userId: ann }, closedAt: 20 }])
      expect(texts(await history())).toEqual(['hers', original])
      // What a person accepted is not dropped, however much models make after it.
      for (let i = 0; i <= generatedEntries; i++)
        await propose(`later ${i}`, { accept: 'automatically', expectedVersion: 4 + i })
      expect(texts(await history()).filter(text => !text.startsWith('later'))).toEqual([
        'made',
        'hers',
        original,
      ])
    },
  },
  {
    name: 'is accepted in part: the author sends the text, and the origin says so',
    async run(t) {
      const { propose, accept, read, list } = await withScene(t)
      const id = await propose('One.\n\nTwo.')
      await expect(accept(id, 1, ' \n')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      await expect(accept(id, 1, 'x'.repeat(50_001))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
      const merged = `${original}\n\nTwo.`
      for (const _ of ['once', 'sent again'])
        expect(await accept(id, 1, merged)).toMatchObject({ outcome: 'applied', version: 2 })
      const { content, textOrigin } = await read()
      expect(content).toBe(merged)
      expect(textOrigin).toMatchObject({ method: 'generative', accepted: { candidateId: id, merged: true } })
      expect(texts(await list('accepted'))).toEqual(['One.\n\nTwo.'])
    },
  },
  {
    name: 'describes its summary once it is accepted, if it was written from that',
    async run(t) {
      const { propose, accept, edit, read } = await withScene(t)
      await edit(1, { summary: 'what is to happen' })
      const other = await propose('of something else', { expectedVersion: 2 })
      const id = await propose('as planned', { expectedVersion: 2, fromSummary: true })
      await accept(other, 2)
      expect((await read()).summaryOutOfDate).toBe(true)
      await accept(id, 3)
      expect((await read()).summaryOutOfDate).toBe(false)
    },
  },
  {
    name: 'is discarded, and can be accepted still',
    async run(t) {
      const { propose, accept, discard, edit, read, list } = await withScene(t)
      const id = await propose('made')
      await edit(1, { content: 'hers' })
      expect(await discard(id, 1)).toMatchObject({ outcome: 'conflict', version: 2 })
      t.now = 30
      for (const _ of ['once', 'sent again'])
        expect(await discard(id, 2)).toEqual({ outcome: 'applied', version: 2, textVersion: 2 })
      expect(await read()).toMatchObject({ content: 'hers' })
      expect(await read()).not.toHaveProperty('openCandidates')
      expect(await list('open')).toEqual([])
      expect(await list()).toMatchObject([{ status: 'discarded', closedBy: { userId: ann }, closedAt: 30 }])
      expect(await accept(id, 2)).toMatchObject({ outcome: 'applied' })
      expect(await discard(id, 3)).toMatchObject({ outcome: 'applied' })
      expect(await list()).toMatchObject([{ status: 'accepted' }])
      expect((await read()).content).toBe('made')
    },
  },
  {
    name: 'the newest are kept, open and closed ones, and the one that was accepted last',
    async run(t) {
      const { propose, accept, discard, read, list } = await withScene(t)
      await accept(await propose('accepted'), 1)
      for (let i = 0; i < 2 * keptCandidates + 3; i++) await propose(`text ${i}`, { expectedVersion: 2 })
      const named = (from: number, count: number) =>
        Array.from({ length: count }, (_, i) => `text ${from + i}`)
      expect(texts(await list('open')).reverse()).toEqual(named(keptCandidates + 3, keptCandidates))
      const closed = [...named(4, keptCandidates - 1)]
      expect(texts(await list('discarded')).reverse()).toEqual(closed)
      expect(texts(await list('accepted'))).toEqual(['accepted'])
      expect((await read()).openCandidates).toBe(keptCandidates)
      const [newest] = await list('open')
      await discard(newest?.id ?? '', 2)
      expect(texts(await list('discarded'))).toHaveLength(keptCandidates - 1)
      expect(texts(await list('discarded'))[0]).toBe(newest?.text)
    },
  },
  {
    name: 'are listed in pages, newest first, to their user alone',
    async run(t) {
      const { candidates, sceneId, novelId, propose, list } = await withScene(t)
      for (let i = 0; i < 5; i++) await propose(`text ${i}`)
      const [newest] = await list()
      const seen: string[] = []
      for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
        const page = { pageSize: 2, ...(pageToken === '' ? {} : { pageToken }) }
        const read = await candidates.candidates(ann, { sceneId, status: ['open'] }, page)
        seen.push(...texts(read.items))
        pageToken = read.nextPageToken
      }
      expect(seen).toEqual(['text 4', 'text 3', 'text 2', 'text 1', 'text 0'])
      const noScene = { code: 'SCENE_NOT_FOUND' }
      const wanted = { sceneId, candidateId: newest?.id ?? '' }
      await expect(candidates.candidates('bob', { sceneId }, { pageSize: 1 })).rejects.toMatchObject(noScene)
      await expect(candidates.candidate('bob', wanted)).rejects.toMatchObject(noScene)
      const missing = { code: 'CANDIDATE_NOT_FOUND' }
      const elsewhere = { ...wanted, sceneId: sceneIdOf(novelId, 0, 1), expectedVersion: 1 }
      for (const asked of [
        () => candidates.candidate(ann, elsewhere),
        () => candidates.accept(ann, elsewhere),
        () => candidates.discard(ann, elsewhere),
        () => candidates.candidate(ann, { sceneId, candidateId: 'nowhere' }),
      ])
        await expect(asked()).rejects.toMatchObject(missing)
      const foreign = { ...wanted, expectedVersion: 1 }
      expect(await candidates.accept('bob', foreign)).toEqual({ outcome: 'missing' })
      expect(await candidates.discard('bob', foreign)).toEqual({ outcome: 'missing' })
    },
  },
  {
    name: 'a run is undone: each scene gets the text back that it had before, and those edited since are left',
    async run(t) {
      const { library } = t
      const { candidates, scenes } = library
      const novelId = await importBook(library, 'a')
      const ids = [sceneIdOf(novelId, 0, 0), sceneIdOf(novelId, 0, 1), sceneIdOf(novelId, 2, 0)] as const
      const [byItself, byAuthor, edited] = ids
      const empty = sceneIdOf(novelId, 1, 0)
      const before = await Promise.all([...ids, empty].map(id => scenes.scene(ann, id)))
      const propose = (sceneId: string, content: string, more: Partial<TextProposal> = {}) => {
        const writer = { taskId: content, attempt: 1 }
        const proposal = { sceneId, content, expectedVersion: 1, rootTaskId: 'run', writer, ...more }
        return candidates.propose(proposalOf(proposal))
      }
      await propose(byItself, 'first')
      await propose(byItself, 'second', { expectedVersion: 2 })
      await propose(byAuthor, 'chosen', { id: 'chosen', accept: 'by-author' })
      await propose(byAuthor, 'left open', { accept: 'by-author' })
      await candidates.accept(ann, { sceneId: byAuthor, candidateId: 'chosen', expectedVersion: 1 })
      await propose(edited, 'mine soon')
      await scenes.editScene(ann, { sceneId: edited, expectedVersion: 2, content: 'hers' })
      await propose(empty, 'where nothing was', { accept: 'where-empty' })
      await propose(sceneIdOf(novelId, 2, 1), 'of another run', { rootTaskId: 'other' })
      expect(await candidates.undo('bob', 'run')).toEqual({ undone: 0, left: [], leftScenes: 0 })
      const left = { left: [{ sceneId: edited, novelId }], leftScenes: 1 }
      expect(await candidates.undo(ann, 'run')).toEqual({ undone: 3, ...left })
      const contents = async () =>
        (await Promise.all([...ids, empty].map(id => scenes.scene(ann, id)))).map(scene => scene.content)
      const restored = before.map(({ content }, at) => (at === 2 ? 'hers' : content))
      expect(await contents()).toEqual(restored)
      expect((await scenes.scene(ann, byItself)).textOrigin).toMatchObject({ method: 'imported' })
      expect((await scenes.scene(ann, sceneIdOf(novelId, 2, 1))).content).toBe('of another run')
      // Again, nothing is left to do.
      expect(await candidates.undo(ann, 'run')).toEqual({ undone: 0, ...left })
      expect(await contents()).toEqual(restored)
      // What was undone can be had back.
      const listed = await candidates.candidates(ann, { sceneId: byAuthor }, { pageSize: 5 })
      expect(listed.items).toMatchObject([{ status: 'open' }, { text: 'chosen', status: 'discarded' }])
      const { items } = await scenes.history(ann, byItself, { pageSize: 5 })
      expect(texts(items)).toEqual(['second', 'first', original])
    },
  },
  {
    name: 'passages of one text are taken one after the other, and what changed around them stays',
    async run(t) {
      const { candidates, propose, edit, read, accept, history, sceneId } = await withScene(t)
      const first = await propose('桃花开。三人结义。', { passage: { start: 0, end: 4 } })
      const second = await propose('刘备见关羽张飞。饮酒。', { passage: { start: 8, end: 11 } })
      const again = await propose('他来。三人结义。', { passage: { start: 0, end: 3 } })
      const behind = await propose(`${original}天亮。`, { passage: { start: 13, end: 16 } })
      await edit(1, { summary: 'a change of something else' })
      const late = await propose('刘备见关羽张飞。散。', {
        passage: { start: 8, end: 10 },
        expectedVersion: 2,
      })
      expect(await accept(first, 2)).toMatchObject({ outcome: 'applied', version: 3 })
      expect(await accept(second, 3)).toMatchObject({ outcome: 'applied', version: 4 })
      expect(await read()).toMatchObject({ content: '桃花开。饮酒。', openCandidates: 3 })
      // Sent again, it finds itself, and the candidate keeps its own text.
      expect(await accept(second, 3)).toMatchObject({ outcome: 'applied', version: 4 })
      expect(await candidates.candidate(ann, { sceneId, candidateId: second })).toMatchObject({
        ...{ status: 'accepted', text: '刘备见关羽张飞。饮酒。' },
      })
      // What they were to replace is there no more.
      for (const id of [again, late])
        await expect(accept(id, 4)).rejects.toMatchObject({ code: 'SELECTION_NOT_FOUND' })
      await edit(4, { content: `序。${original}` })
      expect(await accept(late, 5)).toMatchObject({ outcome: 'applied' })
      expect(await accept(behind, 6)).toMatchObject({ outcome: 'applied' })
      expect(await read()).toMatchObject({ content: '序。刘备见关羽张飞。散。天亮。' })
      expect(await accept(again, 7, '他来。三人结义。')).toMatchObject({ outcome: 'applied' })
      expect(texts(await history())).toContain('序。刘备见关羽张飞。散。天亮。')
    },
  },
  {
    name: 'undoing keeps a summary in date that was so before',
    async run(t) {
      const { candidates, propose, edit, read } = await withScene(t)
      await edit(1, { summary: 'of both' })
      await propose('made from it', { accept: 'automatically', expectedVersion: 2, fromSummary: true })
      expect(await candidates.undo(ann, 'run')).toMatchObject({ undone: 1 })
      expect(await read()).toMatchObject({ content: original, summaryOutOfDate: false })
      await propose('of something else', { accept: 'automatically', expectedVersion: 4, rootTaskId: 'next' })
      expect(await candidates.undo(ann, 'next')).toMatchObject({ undone: 1 })
      expect(await read()).toMatchObject({ content: original, summaryOutOfDate: true })
    },
  },
  {
    name: 'undoing leaves a summary out of date that was written of the text of the run',
    async run(t) {
      const { candidates, propose, edit, read } = await withScene(t)
      const made = { accept: 'automatically', fromSummary: true } as const
      await edit(1, { summary: 'of both' })
      await propose('one text', { ...made, expectedVersion: 2 })
      await edit(3, { summary: 'of the new text' })
      expect(await candidates.undo(ann, 'run')).toMatchObject({ undone: 1 })
      expect(await read()).toMatchObject({ content: original, summaryOutOfDate: true })
      // Also where the same run writes another text from that summary.
      const { version } = await read()
      await edit(version, { summary: 'of both again' })
      await propose('two', { ...made, expectedVersion: version + 1, rootTaskId: 'next' })
      await edit(version + 2, { summary: 'of the second text' })
      await propose('three', { ...made, expectedVersion: version + 3, rootTaskId: 'next' })
      expect(await read()).toMatchObject({ content: 'three', summaryOutOfDate: false })
      expect(await candidates.undo(ann, 'next')).toMatchObject({ undone: 1 })
      expect(await read()).toMatchObject({ content: original, summaryOutOfDate: true })
    },
  },
  {
    name: 'runs are undone one after the other, also where the text of one was put back',
    async run(t) {
      const { library } = t
      const { sceneId, candidates, propose, edit, read, history } = await withScene(t)
      const write = async (rootTaskId: string) => {
        const { version: expectedVersion } = await read()
        await propose(`by ${rootTaskId}`, { accept: 'automatically', rootTaskId, expectedVersion })
      }
      const undo = async (run: string) => {
        expect(await candidates.undo(ann, run)).toMatchObject({ undone: 1, leftScenes: 0 })
        return (await read()).content
      }
      for (const run of ['one', 'two', 'three']) await write(run)
      expect(await undo('three')).toBe('by two')
      await write('four')
      expect(await undo('four')).toBe('by two')
      expect(await undo('two')).toBe('by one')
      // The author edits it, and has it back: the run goes on from there.
      const { version } = await read()
      await edit(version, { content: 'hers' })
      const entryId = (await history()).find(({ text }) => text === 'by one')?.id ?? ''
      await library.scenes.restore(ann, { sceneId, entryId, expectedVersion: version + 1 })
      await propose('one once more', {
        ...{ accept: 'automatically', rootTaskId: 'one', expectedVersion: version + 2 },
      })
      expect(await read()).toMatchObject({ content: 'one once more' })
      expect(await undo('one')).toBe(original)
    },
  },
  {
    name: 'a run of many scenes is undone',
    async run(t) {
      const { library } = t
      const scenes = Array.from({ length: 130 }, (_, i) => `before ${i}`)
      const novelId = await importBook(library, 'many', [{ title: '', chapters: [{ title: '', scenes }] }])
      const ids = scenes.map((_, position) => sceneIdOf(novelId, 0, position))
      for (const [at, sceneId] of ids.entries()) {
        const writer = { taskId: `task ${at}`, attempt: 1 }
        const proposal = { sceneId, content: 'made', expectedVersion: 1, rootTaskId: 'run', writer }
        await library.candidates.propose(proposalOf(proposal))
      }
      const left = ids.slice(0, 105)
      for (const sceneId of left)
        await library.scenes.editScene(ann, { sceneId, expectedVersion: 2, content: 'hers' })
      const { left: named, ...counts } = await library.candidates.undo(ann, 'run')
      expect(counts).toEqual({ undone: 25, leftScenes: 105 })
      expect(named).toHaveLength(100)
      const after = await library.shelf.texts(ann, { novelId }, { pageSize: 200 })
      expect(texts(after.items.map(({ content: text }) => ({ text })))).toEqual(
        scenes.map((text, at) => (at < 105 ? 'hers' : text)),
      )
    },
  },
]
