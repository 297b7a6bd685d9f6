import { renameInNovel } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { findPlaces } from '../../../src/novel/codex/find-places.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { entryFields } from '../library/codex-cases.ts'
import { threadFieldsOf } from '../library/thread-cases.ts'

const names = [{ from: 'Berit', to: 'Inga' }]

/** A novel of six scenes of which two speak of Berit; the first one has a summary too. */
async function withBerit(w: Writing) {
  const novelId = await w.novel(3)
  const scenes = await w.scenes(novelId)
  const [first, second, third] = scenes.map(({ id }) => id)
  const write = (sceneId = '', content: string, summary?: string) =>
    w.library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content, ...(summary && { summary }) })
  await write(first, 'Berit waits. BERIT!', 'Berit is late.')
  await write(third, 'Rain. Berit, said Will.')
  await w.library.codex.add(ann, novelId, [
    { id: 'berit', fields: entryFields({ name: 'Berit', aliases: ['Hask'], text: 'Berit is a smith.' }) },
    {
      id: 'mill',
      fields: entryFields({
        name: 'Mill',
        kind: 'place',
        note: 'Berit lives here.',
        changes: [{ how: 'add', from: first ?? '', text: 'Berit has left.' }],
      }),
    },
  ])
  const about = { novelId, entryId: 'berit', names }
  const content = async (sceneId = '') => (await w.scene(sceneId)).content
  return { novelId, first: first ?? '', second: second ?? '', third: third ?? '', about, content }
}

async function rename(w: Writing, parameters: Parameters<typeof renameInNovel.parameters.parse>[0]) {
  const task = await w.t.submit(renameInNovel, renameInNovel.parameters.parse(parameters), { userId: ann })
  await w.t.drain()
  return task
}

const everywhere = ['text', 'summary', 'entry'] as const

describeWriting('renaming an entry', open => {
  it('changes texts, summaries and entries, and its texts are undone together', async () => {
    await using w = await open()
    const { novelId, first, third, about, content } = await withBerit(w)
    const before = await w.scene(first)
    const event = { scene: first, kind: 'planted' as const }
    const events = [{ ...event, quotation: 'Berit waits' }]
    const thread = threadFieldsOf({ title: 'Her wait', plan: 'Of Berit.', events })
    await w.library.threads.put(ann, { novelId, threadId: 'wait', expectedVersion: 0 }, thread)
    const task = await rename(w, { ...about, expectedVersion: 1, keepsOld: true })
    expect(await task.result()).toMatchObject({
      ...{ places: 8, texts: 2, summaries: 1, entries: 2, threads: 1, views: 0 },
      refusedTexts: 0,
    })
    expect([await content(first), await content(third)]).toEqual([
      'Inga waits. INGA!',
      'Rain. Inga, said Will.',
    ])
    // What the text plants, it still plants.
    const quoted = [{ ...event, quotation: 'Inga waits', isQuoted: true }]
    const changed = await w.library.threads.thread(ann, { novelId, threadId: 'wait' })
    expect(changed).toMatchObject({ title: 'Her wait', plan: 'Of Inga.', state: 'open', events: quoted })
    expect(changed.version).toBe(changed.createdAt + 2)
    const scene = await w.scene(first)
    expect(scene).toMatchObject({
      summary: { text: 'Inga is late.', method: 'person' },
      summaryOutOfDate: false,
      textOrigin: { method: 'person' },
    })
    expect((await w.library.codex.entry(ann, about)).text).toBe('Inga is a smith.')
    expect(await w.library.codex.entry(ann, about)).toMatchObject({
      name: 'Inga',
      aliases: ['Hask', 'Berit'],
    })
    expect(await w.library.codex.entry(ann, { novelId, entryId: 'mill' })).toMatchObject({
      note: 'Inga lives here.',
      changes: [{ text: 'Inga has left.' }],
    })
    expect(await w.library.candidates.undo(ann, task.taskId)).toMatchObject({ undone: 2, leftScenes: 0 })
    expect([await content(first), await content(third)]).toEqual([before.content, 'Rain. Berit, said Will.'])
  })

  it('changes whose point of view the novel and its scenes have, and no other part of how they are told', async () => {
    await using w = await open()
    const { novelId, first, second, third, about } = await withBerit(w)
    const usual = { pov: 'first', povCharacter: 'Berit', styleSheet: 'Short.', voiceSample: '' } as const
    await w.library.shelf.setNarration(ann, novelId, { narration: usual, expectedVersion: 0 })
    const tell = async (sceneId: string, povCharacter: string) => {
      const { version: expectedVersion } = await w.scene(sceneId)
      const narration = { tense: 'present', povCharacter } as const
      await w.library.scenes.editScene(ann, { sceneId, expectedVersion, narration })
    }
    await tell(first, 'Old Berit')
    await tell(second, 'Will')
    await tell(third, 'Berit')
    const request = { userId: ann, ...about, in: ['view'] as const }
    const { items } = await findPlaces(w.services, request, { pageSize: 100 })
    expect(items.map(({ before, text, to, scene }) => [scene?.id, `${before}[${text}>${to}]`])).toEqual([
      [undefined, '[Berit>Inga]'],
      [first, 'Old [Berit>Inga]'],
      [third, '[Berit>Inga]'],
    ])
    // The author leaves one of them as it is.
    const task = await rename(w, { ...about, expectedVersion: 1, except: [items[2]?.id ?? ''] })
    expect(await task.result()).toMatchObject({ places: 9, texts: 2, views: 2, refusedTexts: 0 })
    expect(await w.library.shelf.narration(ann, novelId)).toEqual({
      ...usual,
      povCharacter: 'Inga',
      version: 2,
    })
    const told = await Promise.all([first, second, third].map(async each => (await w.scene(each)).narration))
    expect(told).toEqual(
      ['Old Inga', 'Will', 'Berit'].map(povCharacter => ({ tense: 'present', povCharacter })),
    )
  })

  it('leaves a point of view and a thread that somebody changed since the author saw them', async () => {
    await using w = await open()
    const { novelId, first, about } = await withBerit(w)
    const { version: expectedVersion } = await w.scene(first)
    const narration = { povCharacter: 'Berit' }
    await w.library.scenes.editScene(ann, { sceneId: first, expectedVersion, narration })
    const read = { novelId, threadId: 'wait' }
    const thread = threadFieldsOf({ title: 'The wait of Berit' })
    await w.library.threads.put(ann, { ...read, expectedVersion: 0 }, thread)
    const { version } = await w.library.threads.thread(ann, read)
    const request = { userId: ann, ...about, in: ['thread', 'view'] as const }
    const { items } = await findPlaces(w.services, request, { pageSize: 100 })
    expect(items).toMatchObject([{ thread: { id: 'wait', part: 'title' } }, { scene: { id: first } }])
    const changed = {
      sceneId: first,
      expectedVersion: expectedVersion + 1,
      narration: { povCharacter: 'Hask' },
    }
    await w.library.scenes.editScene(ann, changed)
    await w.library.threads.put(
      ann,
      { ...read, expectedVersion: version },
      { ...thread, plan: 'Berit is late.' },
    )
    const task = await rename(w, { ...about, expectedVersion: 1, only: items.map(({ id }) => id) })
    expect(await task.result()).toMatchObject({
      ...{ places: 0, threads: 0, views: 0, refusedTexts: 2 },
      refused: [
        { what: 'thread', id: 'wait' },
        { what: 'view', id: first },
      ],
    })
    expect(await w.library.threads.thread(ann, read)).toMatchObject({
      title: 'The wait of Berit',
      version: version + 1,
    })
    expect((await w.scene(first)).narration).toEqual({ povCharacter: 'Hask' })
  })

  it('changes the places that are chosen, and refuses a text that changed since the author saw it', async () => {
    await using w = await open()
    const { first, third, about, content } = await withBerit(w)
    const request = { userId: ann, ...about, in: everywhere }
    const { items } = await findPlaces(w.services, request, { pageSize: 100 })
    expect(
      items.map(({ what, before, text, to, after }) => `${what}: ${before}[${text}>${to}]${after}`),
    ).toEqual([
      'entry: [Berit>Inga] is a smith.',
      'entry: [Berit>Inga] lives here.',
      'entry: [Berit>Inga] has left.',
      'text: [Berit>Inga] waits. BERIT!',
      'text: Berit waits. [BERIT>INGA]!',
      'summary: [Berit>Inga] is late.',
      'text: Rain. [Berit>Inga], said Will.',
    ])
    const { version } = await w.scene(third)
    await w.library.scenes.editScene(ann, {
      sceneId: third,
      expectedVersion: version,
      content: 'Berit is gone.',
    })
    const only = items.filter(({ what }, at) => what === 'text' && at !== 3).map(({ id }) => id)
    const task = await rename(w, { ...about, expectedVersion: 1, only })
    expect(await task.result()).toMatchObject({
      ...{ places: 1, texts: 1, summaries: 0, entries: 1 },
      ...{ refused: [{ what: 'text', id: third }], refusedTexts: 1 },
    })
    expect([await content(first), await content(third)]).toEqual(['Berit waits. INGA!', 'Berit is gone.'])
    expect(await w.library.codex.entry(ann, about)).toMatchObject({ name: 'Inga', text: 'Berit is a smith.' })
  })

  it('leaves all as it is where the entry changed since, and a name of two entries unless it is chosen', async () => {
    await using w = await open()
    const { novelId, first, about, content } = await withBerit(w)
    await w.library.codex.edit(ann, { ...about, expectedVersion: 1 }, { text: 'New.' })
    const failed = await rename(w, { ...about, expectedVersion: 1 })
    expect(await w.t.tasks.get(failed.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'CODEX_ENTRY_CHANGED' },
    })
    await w.library.codex.add(ann, novelId, [
      { id: 'other', fields: entryFields({ name: 'Old Berit', aliases: ['Berit'] }) },
    ])
    const request = { userId: ann, ...about, in: ['text'] as const }
    const { items } = await findPlaces(w.services, request, { pageSize: 100 })
    expect(items.map(({ doubt, sharedWith }) => [doubt, sharedWith])).toEqual(
      Array(3).fill(['shared', ['other']]),
    )
    const task = await rename(w, { ...about, expectedVersion: 2 })
    expect(await task.result()).toMatchObject({ places: 0, texts: 0, entries: 1 })
    expect(await content(first)).toBe('Berit waits. BERIT!')
    const [chosen] = items
    await rename(w, { ...about, expectedVersion: 3, only: [chosen?.id ?? ''] })
    expect(await content(first)).toBe('Inga waits. BERIT!')
  })

  it('leaves what would be too long with the new name, and names it', async () => {
    await using w = await open()
    const { novelId, first, about, content } = await withBerit(w)
    const { codex, threads } = w.library
    const full = (start: string, units: number) => start.padEnd(units, 'x')
    await codex.edit(ann, { novelId, entryId: 'mill', expectedVersion: 1 }, { note: full('Berit ', 8_000) })
    await codex.edit(ann, { ...about, expectedVersion: 1 }, { text: full('Berit ', 8_000) })
    const { version: expectedVersion } = await w.scene(first)
    const long = full('Berit waits, ', 499)
    await w.library.scenes.editScene(ann, { sceneId: first, expectedVersion, content: long })
    const events = [{ scene: first, kind: 'planted' as const, quotation: long }]
    await threads.put(
      ann,
      { novelId, threadId: 'wait', expectedVersion: 0 },
      threadFieldsOf({ title: 'Her wait', events }),
    )
    const to = [{ from: 'Berit', to: 'Ingeborg' }]
    const task = await rename(w, { ...about, names: to, expectedVersion: 2 })
    expect(await task.result()).toMatchObject({
      ...{ texts: 2, entries: 0, threads: 0, refusedTexts: 2 },
      refused: [
        { what: 'entry', id: 'berit' },
        { what: 'entry', id: 'mill' },
      ],
    })
    expect(await content(first)).toBe(long.replace('Berit', 'Ingeborg'))
    expect(await codex.entry(ann, about)).toMatchObject({ name: 'Ingeborg', text: full('Berit ', 8_000) })
    expect(await threads.thread(ann, { novelId, threadId: 'wait' })).toMatchObject({ events })
  })

  it('changes nothing where the entry cannot have the new names', async () => {
    await using w = await open()
    const { novelId, first, about, content } = await withBerit(w)
    const aliases = Array.from({ length: 50 }, (_, at) => `Name ${at}`)
    const mill = { novelId, entryId: 'mill' }
    await w.library.codex.edit(ann, { ...mill, expectedVersion: 1 }, { aliases })
    const names = [{ from: 'Mill', to: 'Forge' }]
    const berit = { ...about, expectedVersion: 1 }
    await w.library.codex.edit(ann, berit, { text: 'Berit has the Mill.' })
    const task = await rename(w, { ...mill, names, expectedVersion: 2, keepsOld: true })
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: { code: 'OPTION_INVALID' },
    })
    expect(await w.library.codex.entry(ann, about)).toMatchObject({ text: 'Berit has the Mill.', version: 2 })
    expect(await content(first)).toBe('Berit waits. BERIT!')
  })

  it('offers no text with the new names where somebody changed it meanwhile, also after a crash', async () => {
    await using w = await open()
    const { first, third, about, content } = await withBerit(w)
    const { candidates, scenes } = w.library
    const { propose } = candidates
    let cuts = 0
    vi.spyOn(candidates, 'propose').mockImplementation(async proposal => {
      const { sceneId, expectedVersion } = proposal
      if (sceneId === third)
        await scenes.editScene(ann, { sceneId, expectedVersion, content: 'Rain on Berit.' })
      const status = await propose(proposal)
      if (sceneId === third && cuts++ === 0) throw new Error('cut off')
      return status
    })
    const task = await rename(w, { ...about, expectedVersion: 1 })
    await w.t.advance('20s')
    expect(await task.result()).toMatchObject({ texts: 1, refused: [{ what: 'text', id: third }] })
    expect([await content(first), await content(third)]).toEqual(['Inga waits. INGA!', 'Rain on Berit.'])
    const page = { pageSize: 10 }
    const offered = await candidates.candidates(ann, { sceneId: third, status: ['open'] }, page)
    expect(offered.items).toEqual([])
  })

  it('an attempt that was cut off behind a write goes on, and counts it once', async () => {
    await using w = await open()
    const { first, third, about, content } = await withBerit(w)
    const { scenes } = w.library
    let cuts = 0
    const write = scenes.writeSummary
    vi.spyOn(scenes, 'writeSummary').mockImplementation(async given => {
      const written = await write(given)
      if (cuts++ === 0) throw new Error('cut off')
      return written
    })
    const task = await rename(w, { ...about, expectedVersion: 1 })
    expect(cuts).toBe(1)
    await w.t.advance('20s')
    expect(await task.result()).toMatchObject({
      places: 7,
      texts: 2,
      summaries: 1,
      entries: 2,
      refusedTexts: 0,
    })
    expect(cuts).toBe(1)
    expect([await content(first), await content(third)]).toEqual([
      'Inga waits. INGA!',
      'Rain. Inga, said Will.',
    ])
  })
})
