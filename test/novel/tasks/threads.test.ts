import { generateNextSummaries, generateScene } from 'quillwork/novel'
import { expect, it } from 'vitest'
import type { ThreadFields } from '../../../src/novel/threads/thread.ts'
import { outlineOf, scriptOutlines } from '../../models/outlines.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { threadFieldsOf } from '../library/thread-cases.ts'

describeWriting('the threads of the story in a prompt', open => {
  it('are those that are open at the scene or due there, as they are before it, without private notes', async () => {
    await using w = await open({ models: { prose: { contextTokens: 16_000, maxOutputTokens: 8_000 } } })
    const novelId = await w.novel(2)
    const scenes = await w.scenes(novelId)
    const [first, , own, last] = [scenes[0], scenes[1], scenes[2], scenes.at(-1)]
    if (first === undefined || own === undefined || last === undefined) throw new RangeError('too few scenes')
    const edit = { sceneId: own.id, expectedVersion: 1, content: '', summary: 'Berit waits.' }
    expect(await w.library.scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied' })
    const end = { sceneId: last.id, expectedVersion: 1, content: 'There the comb breaks.' }
    expect(await w.library.scenes.editScene(ann, end)).toMatchObject({ outcome: 'applied' })
    const begun = { scene: first.id, kind: 'planted' as const, quotation: first.content.slice(0, 20) }
    const done = { scene: last.id, kind: 'resolved' as const, quotation: 'the comb breaks' }
    await put(w, novelId, { title: 'The comb', plan: 'Hers.', note: 'SECRET', events: [begun, done] })
    await put(w, novelId, { title: 'The letter', plan: 'It burns.', resolveBy: own.id, events: [begun] })
    await put(w, novelId, { title: 'The well', plan: 'UNSEEN', plantBy: last.id })
    const task = await w.t.submit(generateScene, { novelId, sceneId: own.id }, { userId: ann })
    await w.t.drain()
    await task.result()
    const prompt = w.server.ledger.calls[0]?.prompt ?? ''
    const quoted = `Last in the text: “${begun.quotation}”`
    const block = `The letter (resolve it here): It burns.\n${quoted}\n\nThe comb (open): Hers.\n${quoted}`
    expect(prompt).toContain(`<novel-text>\n${block}\n</novel-text>`)
    expect(prompt).not.toMatch(/SECRET|UNSEEN|breaks/)
    // What a model was shown is kept with its text.
    const { items } = await w.library.candidates.candidates(ann, { sceneId: own.id }, { pageSize: 1 })
    const kept = { sceneId: own.id, candidateId: items[0]?.id ?? '' }
    const { prompts } = await w.library.candidates.candidate(ann, kept)
    const note = prompts?.[0]?.find(({ kind }) => kind === 'threads')
    expect(note).toMatchObject({
      shown: [
        { of: 'thread', id: 'The-letter', reason: { why: 'due' } },
        { of: 'thread', id: 'The-comb', reason: { why: 'open' } },
      ],
      leftOut: [{ id: 'The-well', title: 'The well', reason: 'not-planted' }],
    })
    scriptOutlines(w.server, outlineOf(1))
    const outline = await w.t.submit(
      generateNextSummaries,
      { novelId, reviewOutlines: false },
      { userId: ann },
    )
    await w.t.drain()
    expect(await outline.result()).toMatchObject({ model: 'prose' })
    const planned = w.server.ledger.calls.at(-1)?.prompt ?? ''
    expect(planned).toContain('The letter (open, overdue): It burns.')
    expect(planned).not.toContain('The comb')
  })
})

async function put(w: Writing, novelId: string, fields: { title: string } & Partial<ThreadFields>) {
  const read = { novelId, threadId: fields.title.replaceAll(' ', '-'), expectedVersion: 0 }
  const written = await w.library.threads.put(ann, read, threadFieldsOf(fields))
  expect(written).toMatchObject({ outcome: 'applied' })
}
