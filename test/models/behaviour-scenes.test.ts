import { generateScene, generateSummary } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { until } from '../servers/until.ts'
import { compositions } from './compositions.ts'
import { textFor } from './texts.ts'
import { ann, describeOn, type Writing } from './writing.ts'

const summary = 'The miller finds the drowned lantern and says nothing.'

/** A novel whose first scene is to be written anew. */
async function withScene(w: Writing) {
  const novelId = await w.novel(2)
  const [scene] = await w.scenes(novelId)
  if (scene === undefined) throw new Error('The novel has no scene.')
  return { novelId, scene }
}

/** Short enough for one call. */
const short = { summary, length: { words: 100 }, accept: 'automatically' } as const

describeOn(compositions, 'scenes that models write', open => {
  it('D1, D3: an answer that is cut leaves the text alone, and the next attempt goes on with it', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 4 }, times: 1 })
    const task = await w.t.submit(generateScene, { novelId, sceneId: scene.id, ...short }, { userId: ann })
    await w.t.drain()
    expect((await task.state()).status).toBe('RETRYING')
    expect((await w.scene(scene.id)).content).toBe(scene.content)
    await w.t.jump('20s')
    const state = await task.state()
    expect(state).toMatchObject({ status: 'COMPLETED', result: { accepted: true, model: 'prose' } })
    expect((await w.scene(scene.id)).content).toBe(textFor(w.server.ledger.calls[0]?.prompt ?? ''))
  })

  it('D1: a scene is complete where all had arrived when the answer was cut, and the model adds nothing', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    w.server.script.add({ answer: { is: 'no-finish' }, times: 1 })
    const parameters = {
      novelId,
      sceneId: scene.id,
      summary,
      length: { words: 50 },
      accept: 'automatically' as const,
    }
    const task = await w.t.submit(generateScene, parameters, { userId: ann })
    await w.t.drain()
    await w.t.jump('20s')
    expect(await task.state()).toMatchObject({ status: 'COMPLETED' })
    expect(w.server.ledger.calls.map(({ text }) => text === '')).toEqual([false, true])
    expect((await w.scene(scene.id)).content).toBe(textFor(w.server.ledger.calls[0]?.prompt ?? ''))
  })

  it('D4: what the author writes meanwhile stays, and the text that was made is kept beside it', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    w.server.script.add({ answer: { is: 'text', firstMs: 400 } })
    const task = await w.t.submit(generateScene, { novelId, sceneId: scene.id, ...short }, { userId: ann })
    const asked = await until(() => w.server.ledger.calls[0], 'call')
    const { version } = await w.scene(scene.id)
    const edit = { sceneId: scene.id, expectedVersion: version, content: 'My own words.' }
    expect(await w.library.scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied' })
    expect(asked.whole).toBe(false)
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED', result: { accepted: false } })
    expect((await w.scene(scene.id)).content).toBe('My own words.')
    const { items } = await w.library.candidates.candidates(ann, { sceneId: scene.id }, { pageSize: 10 })
    expect(JSON.stringify(items)).toContain(asked.promptHash)
  })

  it('D6: the model that is named is asked, also where two have the same name at their providers', async () => {
    await using w = await open({
      models: {
        first: { model: 'twin', account: 'a', key: 'key-a' },
        second: { model: 'twin', account: 'b', key: 'key-b' },
      },
    })
    const { novelId, scene } = await withScene(w)
    const parameters = { novelId, sceneId: scene.id, ...short, model: 'second' }
    const task = await w.t.submit(generateScene, parameters, { userId: ann })
    await w.t.drain()
    expect((await task.state()).result).toMatchObject({ model: 'second' })
    expect(w.server.ledger.calls.map(({ key }) => key)).toEqual(['key-b'])
  })

  it('D7: every wish reaches the model', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    const wishes = {
      ...short,
      style: 'terse like a telegram',
      tone: 'mournful',
      instructions: 'Mention a blue kettle.',
    }
    await w.t.submit(generateScene, { novelId, sceneId: scene.id, ...wishes }, { userId: ann })
    const summarise = { novelId, sceneId: scene.id, style: 'as a riddle', maxCharacters: 77 }
    await w.t.drain()
    await w.t.submit(generateSummary, summarise, { userId: ann })
    await w.t.drain()
    const [written, summarised] = w.server.ledger.calls.map(({ prompt }) => prompt)
    for (const wish of [wishes.style, wishes.tone, wishes.instructions, summary, '100 words'])
      expect(written).toContain(wish)
    expect(summarised).toContain('as a riddle')
    expect(summarised).toContain('77')
    expect((await w.scene(scene.id)).summary?.text.length).toBeLessThanOrEqual(77)
  })

  it('D18: a scene without words is refused before anything is paid', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    const { version } = await w.scene(scene.id)
    await w.library.scenes.editScene(ann, { sceneId: scene.id, expectedVersion: version, content: '\n \n' })
    const task = await w.t.submit(generateSummary, { novelId, sceneId: scene.id }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'SCENE_EMPTY' } })
    expect(w.server.ledger.calls).toEqual([])
  })

  it('D19: what was there before is in the history of the scene', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    await w.t.submit(generateScene, { novelId, sceneId: scene.id, ...short }, { userId: ann })
    await w.t.drain()
    expect((await w.scene(scene.id)).content).not.toBe(scene.content)
    const { items } = await w.library.scenes.history(ann, scene.id, { pageSize: 10 })
    expect(JSON.stringify(items)).toContain(JSON.stringify(scene.content.slice(0, 30)).slice(1, -1))
  })

  it('E9: the tokens of every call, of failed ones too, are those that the provider counted', async () => {
    await using w = await open()
    const { novelId, scene } = await withScene(w)
    w.server.script.add({
      answer: { is: 'filtered', text: 'The miller' },
      prompt: 'summary for its author|summarises a scene',
    })
    const summarised = await w.t.submit(generateSummary, { novelId, sceneId: scene.id }, { userId: ann })
    const written = await w.t.submit(generateScene, { novelId, sceneId: scene.id, ...short }, { userId: ann })
    await w.t.drain()
    expect((await summarised.state()).error?.code).toBe('MODEL_ANSWER_FILTERED')
    expect((await written.state()).status).toBe('COMPLETED')
    for (const { task, call } of [
      { task: summarised, call: w.server.ledger.calls.find(({ answered }) => answered === 'filtered') },
      { task: written, call: w.server.ledger.calls.find(({ answered }) => answered === 'text') },
    ]) {
      const [usage] = await w.t.tasks.usage(task.taskId)
      expect(usage).toMatchObject({ inputTokens: call?.inputTokens, outputTokens: call?.outputTokens })
    }
  })
})
