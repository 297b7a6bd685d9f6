import { generateScene, vectorize } from 'quillwork/novel'
import { expect, it } from 'vitest'
import type { CodexFields } from '../../../src/novel/codex/entry.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'
import { entryFields } from '../library/codex-cases.ts'

/** A model that writes a whole scene in one part. */
const large = { prose: { contextTokens: 16_000, maxOutputTokens: 8_000 } }

describeWriting('the codex in GenerateScene', open => {
  it('is told as it is at the scene, before the text, without private notes; a name with an entry is not listed', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId, first, last } = await summarised(w, 'Berit meets Mr Knightley at the mill.')
    await add(w, novelId, [
      entryFields({
        name: 'Berit',
        note: 'SECRET',
        ...told('A smith.', { from: first, text: 'Blind now.' }),
      }),
      entryFields({ name: 'Knightley', ...told('A farmer.', { from: last, text: 'DEAD.' }) }),
      entryFields({ name: 'Weather', kind: 'fact', when: 'always', text: 'It never snows.' }),
      entryFields({ name: 'Stranger', text: 'UNSEEN' }),
    ])
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    await task.result()
    const prompt = w.server.ledger.calls[0]?.prompt ?? ''
    const block =
      'Weather (fact): It never snows.\n\nBerit (person): A smith.\nBlind now.\n\nKnightley (person): A farmer.'
    expect(prompt).toContain(`<novel-text>\n${block}\n</novel-text>`)
    expect(prompt.indexOf(block)).toBeLessThan(prompt.indexOf('The text right before the scene:'))
    expect(prompt).not.toMatch(/SECRET|DEAD|UNSEEN/)
    const names = /Names of people and places in the novel:\n<novel-text>\n([\s\S]*?)<\/novel-text>/.exec(
      prompt,
    )
    expect(names?.[1] ?? '').not.toMatch(/Knightley/)
  })

  it('is told with the point of view, the tense and the style of the author; prose of another view is left out', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId, scenes } = await summarised(w, 'Berit waits.')
    await add(w, novelId, [entryFields({ name: 'Anna', text: 'Her sister.' })])
    const narration = {
      pov: 'first',
      povCharacter: 'Berit',
      styleSheet: 'Short sentences.',
      voiceSample: 'VOICE',
    } as const
    await w.library.shelf.setNarration(ann, novelId, { narration, expectedVersion: 0 })
    const own = { pov: 'third-limited', povCharacter: 'Anna', tense: 'present' } as const
    const [first, second] = scenes
    for (const [id = '', version] of [
      [first?.id, 1],
      [sceneId, 2],
    ] as const)
      await w.library.scenes.editScene(ann, { sceneId: id, expectedVersion: version, narration: own })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    await task.result()
    const prompt = w.server.ledger.calls[0]?.prompt ?? ''
    expect(prompt).toContain(
      '- Narration: third person, limited to one mind; present tense; the point of view is that of Anna.\n',
    )
    expect(prompt).toContain('Rules for the prose of the whole novel:\nShort sentences.\n')
    expect(prompt).toContain('<novel-text>\nVOICE\n</novel-text>')
    // The point of view mentions its entry.
    expect(prompt).toContain('Anna (person): Her sister.')
    expect(prompt).toContain(first?.content)
    expect(prompt).not.toContain(second?.content)
  })

  it('stands beside passages of earlier scenes, and none of later ones', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId, first, last } = await summarised(w, 'Berit finds the glass comb in the well.')
    for (const [id, content] of [
      [first, 'The glass comb lies in the well, and Berit knows.'],
      [last, 'The glass comb breaks in the well. SPOILER, Berit weeps.'],
    ] as const)
      await w.library.scenes.editScene(ann, { sceneId: id, expectedVersion: 1, content })
    const indexed = await w.t.submit(vectorize, { novelId }, { userId: ann })
    await w.t.drain()
    await indexed.result()
    const task = await w.t.submit(generateScene, { novelId, sceneId, scenesBefore: 0 }, { userId: ann })
    await w.t.drain()
    await task.result()
    const prompt = w.server.ledger.calls[0]?.prompt ?? ''
    expect(prompt).toContain('The glass comb lies in the well')
    expect(prompt).not.toContain('SPOILER')
  })

  it('that is always told and too long fails the task before a call of the model, with the numbers', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await summarised(w, 'She waits.')
    await add(w, novelId, [entryFields({ name: 'Rule', when: 'always', text: 'Always. '.repeat(100) })])
    const asked = { novelId, sceneId, contextTokens: 50 }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({
      status: 'FAILED',
      errorInfo: {
        code: 'CODEX_TOO_LARGE',
        message: expect.stringMatching(/have about \d{3} tokens, and contextTokens allows 50/),
      },
    })
    expect(w.server.ledger.calls).toEqual([])
  })
})

function told(text: string, { from, text: later }: { from: string; text: string }): Partial<CodexFields> {
  return { text, changes: [{ how: 'add', from, text: later }] }
}

async function add(w: Writing, novelId: string, entries: readonly CodexFields[]): Promise<void> {
  await w.library.codex.add(
    ann,
    novelId,
    entries.map((fields, i) => ({ id: `entry-${i}`, fields })),
  )
}

/** A scene in the middle of a novel, with a summary and no text. */
async function summarised(w: Writing, summary: string) {
  const novelId = await w.novel(2)
  const scenes = await w.scenes(novelId)
  const sceneId = scenes[2]?.id ?? ''
  const edit = { sceneId, expectedVersion: 1, content: '', summary }
  expect(await w.library.scenes.editScene(ann, edit)).toMatchObject({ outcome: 'applied' })
  return { novelId, sceneId, scenes, first: scenes[0]?.id ?? '', last: scenes.at(-1)?.id ?? '' }
}
