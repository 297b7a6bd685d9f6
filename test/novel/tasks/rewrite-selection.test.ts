import { estimateTask, importNovel, rewriteSelection, storeUpload } from 'quillwork/novel'
import { expect, it } from 'vitest'
import type { SelectionEdit } from '../../../src/novel/selection.ts'
import { textFor } from '../../models/texts.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { until } from '../../servers/until.ts'

const before = 'The night was long, and the rain had not stopped since noon.\n\n  '
const passage = 'The miller crossed the bridge with a lantern, and the river was loud below him.'
const after = ' \n\nNobody saw him go. The door of the mill stood open behind him until the morning came.'
const answer = 'Lantern in hand, the miller went over the bridge; under his feet the river roared.'

describeWriting('RewriteSelection', open => {
  it('offers the whole scene with nothing but the selection replaced, and says what is new', async () => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    w.server.script.add({ answer: { is: 'text', text: `\n${answer}\n\n` } })
    const task = await submit(w, scene, 'rewrite', { instructions: 'Let it sound older.' })
    expect(await task.result()).toMatchObject({
      accepted: false,
      candidates: [{ status: 'open' }],
      words: 15,
      prompt: { name: 'rewrite-selection', language: 'en' },
    })
    const [candidate] = await openOf(w, scene.sceneId)
    expect(candidate).toMatchObject({
      text: before + answer + after,
      passage: { start: before.length, end: before.length + answer.length },
      provenance: { parameters: { edit: 'rewrite', instructions: 'Let it sound older.' } },
      baseVersion: scene.version,
    })
    expect(candidate?.faults).toBeUndefined()
    expect((await w.scene(scene.sceneId)).content).toBe(before + passage + after)
    const [call] = w.server.ledger.calls
    expect(call?.prompt).toContain(`The passage:\n<novel-text>\n${passage}\n</novel-text>`)
    expect(call?.prompt).toContain(`${before.trim()}\n</novel-text>`)
    expect(call?.prompt).toContain(`The text that follows:\n<novel-text>\n${after.trim()}\n</novel-text>`)
    expect(call?.prompt).toMatch(
      /- Rewrite the passage: .*\n- Length: about 15 words\.\n- Let it sound older\./,
    )

    // It is accepted as any other candidate, and the run is undone.
    const choice = {
      sceneId: scene.sceneId,
      candidateId: candidate?.id ?? '',
      expectedVersion: scene.version,
    }
    await w.library.candidates.accept(ann, choice)
    expect((await w.scene(scene.sceneId)).content).toBe(before + answer + after)
    await w.library.candidates.undo(ann, task.taskId)
    expect((await w.scene(scene.sceneId)).content).toBe(before + passage + after)
  })

  it.each<[SelectionEdit, number]>([
    ['shorten', 8],
    ['expand', 30],
    ['continue', 150],
  ])('asks for a length that fits: %s', async (edit, words) => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    await (await submit(w, scene, edit)).result()
    expect(w.server.ledger.calls[0]?.prompt).toContain(`Length: about ${words} words.`)
    const [candidate] = await openOf(w, scene.sceneId)
    const kept = edit === 'continue' ? before + passage : before
    expect(candidate?.text.startsWith(kept)).toBe(true)
    expect(candidate?.text.endsWith(after)).toBe(true)
    expect(candidate?.faults).toBeUndefined()
  })

  it('rewrites Chinese in Chinese, and drops what the model repeats of the text around', async () => {
    await using w = await open()
    const [head, middle, tail] = [
      '　　夜色很深。老人提着灯笼慢慢走过石桥。',
      '他累了。',
      '河水在他脚下轰鸣，没有人来。',
    ]
    const scene = await sceneWith(w, head + middle + tail, middle)
    const text = '老人提着灯笼慢慢走过石桥。他的双腿像灌了铅。河水在他脚下轰鸣，没有人来。'
    w.server.script.add({ answer: { is: 'text', text } })
    await (await submit(w, scene, 'rewrite')).result()
    expect(w.server.ledger.calls[0]?.prompt).toContain('- 改写这段文字')
    const [candidate] = await openOf(w, scene.sceneId)
    expect(candidate?.text).toBe(`${head}他的双腿像灌了铅。${tail}`)
    expect(candidate?.provenance.prompt?.language).toBe('zh')
  })

  it('asks once more for a text with a fault, and offers the better one', async () => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    w.server.script.add({ answer: { is: 'text', text: '# Heading\n- an item\n- another item' }, times: 1 })
    w.server.script.add({ answer: { is: 'text', text: answer } })
    const task = await submit(w, scene, 'rewrite')
    await task.result()
    expect(await openOf(w, scene.sceneId)).toMatchObject([{ text: before + answer + after }])
    const page = { pageSize: 5 }
    const { items } = await w.library.candidates.candidates(
      ann,
      { sceneId: scene.sceneId, status: ['discarded'] },
      page,
    )
    expect(items).toMatchObject([{ faults: [{ code: 'NO_PROSE' }] }])
  })

  it('sees that a text repeats what follows the selection, also in the middle of a long scene', async () => {
    await using w = await open()
    const long = textFor('a long scene', 450)
    const next = textFor('what follows', 12)
    const scene = await sceneWith(w, `${long}\n\n${passage}\n\nThen it was day. ${next} ${long}`)
    w.server.script.add({ answer: { is: 'text', text: `${answer} ${next} So it went.` } })
    await (await submit(w, scene, 'expand')).result()
    const [candidate] = await openOf(w, scene.sceneId)
    expect(candidate?.faults?.map(({ code }) => code)).toContain('REPEATS_TEXT_BEFORE')
  })

  it('goes on with a further text that was cut off, behind one whose repetitions are dropped', async () => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    const rest = 'And so he went on.'
    w.server.script.add(
      { answer: { is: 'text', text: `and the rain had not stopped since noon. ${answer}` }, times: 1 },
      { answer: { is: 'cut', after: 6 }, times: 1 },
      { answer: { is: 'text', text: rest } },
    )
    const asked = { ...parametersOf(scene, 'rewrite'), candidates: 2 }
    const task = await w.t.submit(rewriteSelection, asked, { userId: ann })
    await w.t.drain()
    expect((await w.t.tasks.get(task.taskId)).errorInfo).toMatchObject({ code: 'MODEL_ANSWER_CUT' })
    await w.t.jump('20s')
    await task.result()
    const [, cut, ...others] = w.server.ledger.calls
    expect(others).toHaveLength(1)
    const arrived = cut?.text.slice(0, 50) ?? '-'
    expect(others[0]?.prompt).toContain(arrived)
    const [second, first] = await openOf(w, scene.sceneId)
    expect(first?.text).toBe(before + answer + after)
    expect(second?.text.startsWith(before + arrived)).toBe(true)
    expect(second?.text.endsWith(`${rest}${after}`)).toBe(true)
  })

  it('leaves space for a sentence where a few words are selected', async () => {
    await using w = await open({ models: { prose: { thinkingTokens: 0 } } })
    const scene = await sceneWith(w, before + passage + after, 'the bridge')
    w.server.script.add({ answer: { is: 'text', text: 'the old bridge' } })
    await (await submit(w, scene, 'rewrite')).result()
    const [candidate] = await openOf(w, scene.sceneId)
    expect(candidate?.provenance.parameters?.['maxOutputTokens']).toBe(300)
  })

  it('puts the text into the scene as it is by then, where the selection is still in it once', async () => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    w.server.script.add({ answer: { is: 'text', text: answer, heldAt: [1] } })
    const task = await w.t.submit(rewriteSelection, parametersOf(scene, 'rewrite'), { userId: ann })
    const running = w.t.drain()
    await until(() => w.server.ledger.calls.length === 1, 'the call of the model')
    await edit(w, scene.sceneId, `A new beginning.\n\n${before}${passage}${after}`)
    w.server.script.release()
    await running
    await task.result()
    const { version } = await w.scene(scene.sceneId)
    expect(await openOf(w, scene.sceneId)).toMatchObject([
      { text: `A new beginning.\n\n${before}${answer}${after}`, baseVersion: version },
    ])
  })

  it.each([
    ['is gone', passage, 'All of it is new.'],
    [
      'ends within a character',
      'the bridge',
      `${before}${passage.replace('the bridge', 'the bridge\u0301')}${after}`,
    ],
  ])(
    'keeps what is paid beside the text that it was written for, where the selection %s by then',
    async (_what, text, changed) => {
      await using w = await open()
      const scene = await sceneWith(w, before + passage + after, text)
      w.server.script.add({ answer: { is: 'text', text: answer, heldAt: [1] } })
      const asked = { ...parametersOf(scene, 'rewrite'), accept: 'automatically' as const }
      const task = await w.t.submit(rewriteSelection, asked, { userId: ann })
      const running = w.t.drain()
      await until(() => w.server.ledger.calls.length === 1, 'the call of the model')
      await edit(w, scene.sceneId, changed)
      w.server.script.release()
      await running
      expect(await task.result()).toMatchObject({ accepted: false })
      expect((await w.scene(scene.sceneId)).content).toBe(changed)
      expect(await openOf(w, scene.sceneId)).toMatchObject([
        { text: (before + passage + after).replace(text, answer), baseVersion: scene.version },
      ])
    },
  )

  it('is refused before anything is paid where the selection is not there, and estimated where it is', async () => {
    await using w = await open()
    const scene = await sceneWith(w, before + passage + after)
    const asked = parametersOf(scene, 'expand')
    const estimate = await estimateTask(w.services, {
      userId: ann,
      taskType: 'RewriteSelection',
      parameters: asked,
    })
    await (await submit(w, scene, 'expand')).result()
    const used = w.server.ledger.calls[0]
    expect(estimate.byModel).toMatchObject([{ model: 'prose', calls: 1 }])
    expect(estimate.byModel[0]?.inputTokens).toBeGreaterThanOrEqual(used?.inputTokens ?? 0)
    await edit(w, scene.sceneId, passage + passage)
    await expect(w.t.submit(rewriteSelection, asked, { userId: ann })).rejects.toMatchObject({
      code: 'SELECTION_NOT_FOUND',
    })
    expect(w.server.ledger.calls).toHaveLength(1)
  })
})

interface Selected {
  novelId: string
  sceneId: string
  version: number
  start: number
  text: string
}

/** A scene with a text, of which a passage is selected. */
async function sceneWith(w: Writing, content: string, text = passage): Promise<Selected> {
  async function* book() {
    yield Buffer.from(
      /\p{Script=Han}/u.test(content) ? '第一回 石桥\n\n天亮了。\n' : 'Chapter 1\n\nIt dawned.\n',
    )
  }
  const { id } = await storeUpload(w.services, { userId: ann, fileName: 'book.txt', content: book() })
  const task = await w.t.submit(importNovel, { uploadId: id, summarise: false }, { userId: ann })
  await w.t.drain()
  const { novelId } = await task.result()
  const sceneId = (await w.scenes(novelId))[0]?.id ?? ''
  await edit(w, sceneId, content)
  const { version } = await w.scene(sceneId)
  return { novelId, sceneId, version, start: content.indexOf(text), text }
}

async function edit(w: Writing, sceneId: string, content: string): Promise<void> {
  const { version: expectedVersion } = await w.scene(sceneId)
  await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content })
}

function parametersOf({ novelId, sceneId, ...selection }: Selected, edit: SelectionEdit) {
  return { novelId, sceneId, selection, edit }
}

async function submit(
  w: Writing,
  scene: Selected,
  edit: SelectionEdit,
  options: { instructions?: string } = {},
) {
  const task = await w.t.submit(
    rewriteSelection,
    { ...parametersOf(scene, edit), ...options },
    { userId: ann },
  )
  await w.t.drain()
  // A text with a fault is written once more, in an attempt of its own.
  await w.t.advance('1s')
  return task
}

async function openOf(w: Writing, sceneId: string) {
  const filter = { sceneId, status: ['open' as const] }
  return (await w.library.candidates.candidates(ann, filter, { pageSize: 5 })).items
}
