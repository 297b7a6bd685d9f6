import { replaceInNovel } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { findWords } from '../../../src/novel/codex/find-places.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

/** A novel of three scenes of which two have the mill; the first one has a summary too. */
async function withMill(w: Writing) {
  const novelId = await w.novel(3)
  const [first = '', second = '', third = ''] = (await w.scenes(novelId)).map(({ id }) => id)
  const write = (sceneId: string, content: string, summary?: string) =>
    w.library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content, ...(summary && { summary }) })
  await write(first, 'The mill stood. A mill!', 'The mill stands.')
  await write(second, 'Rain.')
  await write(third, 'Mills by the mill.')
  const content = async (sceneId: string) => (await w.scene(sceneId)).content
  return { novelId, first, second, third, content }
}

type Given = Parameters<typeof replaceInNovel.parameters.parse>[0]

async function replace(w: Writing, given: Given) {
  const task = await w.t.submit(replaceInNovel, replaceInNovel.parameters.parse(given), { userId: ann })
  await w.t.drain()
  return task
}

const words = { find: 'mill', replace: 'tower', matchCase: false, wholeWords: true }

describeWriting('replacing words', open => {
  it('changes every text, keeps what was there in the history, and is undone together', async () => {
    await using w = await open()
    const { novelId, first, third, content } = await withMill(w)
    const task = await replace(w, { novelId, ...words, in: ['text', 'summary'] })
    expect(await task.result()).toEqual({
      ...{ novelId, places: 4, texts: 2, summaries: 1, refused: [], refusedTexts: 0 },
    })
    expect([await content(first), await content(third)]).toEqual([
      'The tower stood. A tower!',
      'Mills by the tower.',
    ])
    expect(await w.scene(first)).toMatchObject({
      summary: { text: 'The tower stands.', method: 'person' },
      summaryOutOfDate: false,
      textOrigin: { method: 'person' },
    })
    expect(await w.library.candidates.undo(ann, task.taskId)).toMatchObject({ undone: 2, leftScenes: 0 })
    expect([await content(first), await content(third)]).toEqual([
      'The mill stood. A mill!',
      'Mills by the mill.',
    ])
  })

  it('changes the places that were chosen, and none that somebody changed meanwhile', async () => {
    await using w = await open()
    const { novelId, first, third, content } = await withMill(w)
    const request = { userId: ann, novelId, ...words, in: ['text'] as const }
    const { items } = await findWords(w.services, request, { pageSize: 100 })
    expect(items.map(({ before, text, to, after }) => `${before}[${text}>${to}]${after}`)).toEqual([
      'The [mill>tower] stood. A mill!',
      'The mill stood. A [mill>tower]!',
      'Mills by the [mill>tower].',
    ])
    const [one, , three] = items.map(({ id }) => id)
    await w.library.scenes.editScene(ann, { sceneId: third, expectedVersion: 2, content: 'My mill.' })
    const task = await replace(w, { novelId, ...words, only: [one ?? '', three ?? ''] })
    expect(await task.result()).toMatchObject({
      ...{ places: 1, texts: 1, refusedTexts: 1, refused: [{ what: 'text', id: third }] },
    })
    expect([await content(first), await content(third)]).toEqual(['The tower stood. A mill!', 'My mill.'])
  })

  it('refuses what makes no sense', async () => {
    await using w = await open()
    const { novelId } = await withMill(w)
    const parse = (given: object) => replaceInNovel.parameters.safeParse({ novelId, ...given }).success
    expect(parse({ find: 'mill', replace: 'mill tower' })).toBe(true)
    expect(parse({ find: ' ' })).toBe(false)
    expect(parse({ find: 'mill', only: [], except: [] })).toBe(false)
    expect(parse({ find: 'mill', in: [] })).toBe(false)
    const gone = w.t.submit(replaceInNovel, { novelId: 'gone', find: 'mill' }, { userId: ann })
    await expect(gone).rejects.toMatchObject({ code: 'NOVEL_NOT_FOUND' })
  })
})
