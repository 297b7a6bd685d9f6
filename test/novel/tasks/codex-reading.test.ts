import { checkCodex, estimateTask, proposeCodexEntries } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { newCodexEntry } from '../../../src/novel/codex/entry.ts'
import { listFindings } from '../../../src/novel/codex/findings.ts'
import { listProposals } from '../../../src/novel/codex/proposals.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

const texts = [
  'Berit Hask counted seven lanterns on the Long Bridge. Nobody believed her.',
  'The law forbids lanterns after ten. Miss Hask slept with her green eyes shut.',
  'Berit was late again. She opened her blue eyes and looked at the clock.',
]

/** A novel of four scenes; the last one is empty. */
async function novelOf(w: Writing, contents: readonly string[] = texts) {
  const novelId = await w.novel(2)
  for (const [at, { id }] of (await w.scenes(novelId)).entries()) await write(w, id, contents[at] ?? '')
  return { novelId, sceneIds: (await w.scenes(novelId)).map(({ id }) => id) }
}

async function write(w: Writing, sceneId: string, content: string) {
  const { version: expectedVersion } = await w.scene(sceneId)
  await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content })
}

/** Has the server answer what is asked of a text. */
function script(w: Writing, text: string, ...answers: (string | object)[]) {
  const prompt = text.slice(0, 12)
  for (const answer of answers)
    w.server.script.add({
      ...{ prompt, times: 1 },
      answer: { is: 'text', text: typeof answer === 'string' ? answer : JSON.stringify(answer) },
    })
}

const person = (name: string, aliases: string[], description: string, quotation: string) => {
  return { kind: 'person', name, aliases, description, quotation }
}

/** What a good model answers for the three texts. */
function scriptEntries(w: Writing) {
  const [one = '', two = '', three = ''] = texts
  script(w, one, {
    entries: [
      person('Berit Hask', ['Berit', 'she'], 'Counts lanterns.', 'Berit Hask counted seven lanterns'),
      { ...person('Long Bridge', [], 'Has lanterns.', 'on the Long Bridge'), kind: 'place' },
      { ...person('Sword', [], 'Sharp.', 'She drew the Sword.'), kind: 'thing' },
    ],
  })
  const law = { kind: 'fact', name: 'Law of lanterns', aliases: [], description: 'None after ten.' }
  script(w, two, { entries: [{ ...law, quotation: 'The law forbids lanterns after ten.' }] })
  script(w, three, { entries: [person('Berit', [], 'Is often late.', 'Berit was late again')] })
}

const calls = (w: Writing) => w.server.ledger.calls
const proposals = (w: Writing, novelId: string) => listProposals(w, { userId: ann, novelId })

async function run(
  w: Writing,
  type: typeof proposeCodexEntries | typeof checkCodex,
  parameters: { novelId: string },
) {
  const task = await w.t.submit(type, parameters, { userId: ann })
  await w.t.drain()
  return { task, result: await task.result() }
}

describeWriting('ProposeCodexEntries', open => {
  it('keeps what the text bears out, as one proposal for each, tells the model what is known, and pays for no scene twice', async () => {
    await using w = await open()
    const { novelId, sceneIds } = await novelOf(w)
    scriptEntries(w)
    const estimated = () =>
      estimateTask(w.services, { userId: ann, taskType: proposeCodexEntries.type, parameters: { novelId } })
    const {
      byModel: [estimate],
    } = await estimated()
    const { task, result } = await run(w, proposeCodexEntries, { novelId })
    expect(result).toMatchObject({
      ...{
        total: 4,
        success: 3,
        skipped: 1,
        failed: 0,
        found: 4,
        dropped: 1,
        failedScenes: [],
        model: 'prose',
      },
    })
    const { progress = '' } = await w.t.tasks.get(task.taskId)
    expect(JSON.parse(progress)).toMatchObject({ done: 4, found: 4 })
    const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
    expect(result.usage.inputTokens).toBe(used?.inputTokens)
    expect(estimate?.calls).toBe(3)
    expect(estimate?.inputTokens).toBeLessThanOrEqual((used?.inputTokens ?? 0) * 1.5)
    expect(estimate?.inputTokens).toBeGreaterThanOrEqual((used?.inputTokens ?? 0) / 1.5)
    const byModel = (await proposals(w, novelId)).filter(({ by }) => by === 'model')
    expect(byModel).toEqual([
      {
        ...{ kind: 'person', name: 'Berit Hask', aliases: ['Berit'], by: 'model', sceneId: sceneIds[0] },
        ...{ text: 'Counts lanterns.\nIs often late.', quotation: 'Berit Hask counted seven lanterns' },
      },
      expect.objectContaining({ kind: 'place', name: 'Long Bridge' }),
      expect.objectContaining({ kind: 'fact', name: 'Law of lanterns', sceneId: sceneIds[1] }),
    ])
    expect(calls(w).map(({ prompt }) => prompt.includes('in the list already'))).toEqual([false, false, true])
    expect((await estimated()).byModel).toEqual([])
    expect((await run(w, proposeCodexEntries, { novelId })).result).toMatchObject({ success: 0, skipped: 4 })
    expect(calls(w)).toHaveLength(3)
    script(w, 'Ada came home', { entries: [person('Ada', [], 'Came home.', 'Ada came home at last')] })
    await write(w, sceneIds[1] ?? '', 'Ada came home at last.')
    expect((await run(w, proposeCodexEntries, { novelId })).result).toMatchObject({ success: 1, found: 1 })
    expect(calls(w)).toHaveLength(4)
    const names = (await proposals(w, novelId)).filter(({ by }) => by === 'model').map(({ name }) => name)
    expect(names).toEqual(['Berit Hask', 'Long Bridge', 'Ada'])
  })

  it('proposes nothing that an entry has, other names of an entry as such, and nothing that is ignored', async () => {
    await using w = await open()
    const { novelId } = await novelOf(w)
    scriptEntries(w)
    const { codex } = w.library
    const own = newCodexEntry.parse({ kind: 'person', name: 'Berit', text: 'Mine.' })
    await codex.add(ann, novelId, [{ id: 'own', fields: own }])
    await run(w, proposeCodexEntries, { novelId })
    const byModel = async () => (await proposals(w, novelId)).filter(({ by }) => by === 'model')
    expect(await byModel()).toMatchObject([
      { name: 'Berit Hask', aliases: [], entryId: 'own' },
      { name: 'Long Bridge' },
      { name: 'Law of lanterns' },
    ])
    expect(await codex.entry(ann, { novelId, entryId: 'own' })).toMatchObject({ ...own, version: 1 })
    await codex.edit(ann, { novelId, entryId: 'own', expectedVersion: 1 }, { aliases: ['Berit Hask'] })
    await codex.dismiss(ann, novelId, { what: 'name', key: 'Law of lanterns', reason: '' })
    expect((await byModel()).map(({ name }) => name)).toEqual(['Long Bridge'])
  })

  it('asks once more for what cannot be used, names the scene where that cannot be used either, and reads the others', async () => {
    await using w = await open()
    const { novelId, sceneIds } = await novelOf(w)
    const [one = '', two = '', three = ''] = texts
    script(w, one, 'No list at all.', { people: [] })
    script(w, two, '[]', { entries: [] })
    w.server.script.add({ prompt: three.slice(0, 12), answer: { is: 'filtered' } })
    const { result } = await run(w, proposeCodexEntries, { novelId })
    expect(result).toMatchObject({ total: 4, success: 1, failed: 2, skipped: 1, found: 0 })
    expect(result.failedScenes).toEqual([
      { sceneId: sceneIds[0], reason: 'The answer has no list under the name "entries".' },
      { sceneId: sceneIds[2], reason: 'The answer is not the JSON that was asked for.' },
    ])
    expect(calls(w).map(({ prompt }) => /could not be used\. (\S+ \S+ \S+ \S+)/.exec(prompt)?.[1])).toEqual([
      ...[undefined, 'The answer is not', undefined, 'The answer has no'],
      ...[undefined, 'The answer is not'],
    ])
  })

  it('takes an answer that was cut off for one that cannot be used, asks once more, and reads the others', async () => {
    await using w = await open()
    const { novelId, sceneIds } = await novelOf(w)
    scriptEntries(w)
    await write(w, sceneIds[1] ?? '', 'Ada came home at last.')
    const cut = { is: 'truncated', text: '{"entries": [{"kind": "person", "name": "Ada", ' } as const
    w.server.script.add({ prompt: 'Ada came home', answer: cut })
    const { result } = await run(w, proposeCodexEntries, { novelId })
    expect(result).toMatchObject({ total: 4, success: 2, failed: 1, skipped: 1 })
    expect(result.failedScenes).toMatchObject([{ sceneId: sceneIds[1] }])
    expect(calls(w).filter(({ prompt }) => prompt.includes('Ada came home'))).toHaveLength(2)
  })

  it('fails where no scene can be read, and a retry by a person asks anew', async () => {
    await using w = await open()
    const { novelId } = await novelOf(w, ['Nothing at all.', 'Nothing can be said of this text.'])
    const task = await w.t.submit(proposeCodexEntries, { novelId }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_MALFORMED' } })
    expect(calls(w)).toHaveLength(4)
    w.server.script.add({ answer: { is: 'text', text: '{"entries": []}' } })
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    expect(await task.result()).toMatchObject({ success: 2, skipped: 2, failed: 0 })
    expect(calls(w)).toHaveLength(6)
  })

  it('waits where the budget ends, and goes on in another process without paying for a scene again', async () => {
    await using w = await open({ persistent: true })
    const { novelId } = await novelOf(w)
    scriptEntries(w)
    const budget = { tokens: 2_000 }
    const task = await w.t.submit(proposeCodexEntries, { novelId }, { userId: ann, budget })
    await w.t.drain()
    expect((await w.t.tasks.get(task.taskId)).errorInfo).toMatchObject({ code: 'BUDGET_EXHAUSTED' })
    const paid = calls(w).length
    expect(paid).toBeGreaterThan(0)
    expect(paid).toBeLessThan(3)
    await w.t.crash()
    await w.t.budgets.set(task.taskId, { tokens: 50_000 })
    await w.t.drain()
    const found = await w.t.find(proposeCodexEntries, task.taskId)
    expect(await found?.result()).toMatchObject({ success: 3, skipped: 1, found: 4, dropped: 1 })
    expect(calls(w)).toHaveLength(3)
    expect(new Set(calls(w).map(({ prompt }) => prompt)).size).toBe(3)
  })

  it('reads a text in parts that fit the smaller window which a refusal names', async () => {
    const prose = { contextTokens: 32_000 }
    await using w = await open({ models: { prose }, server: { contextTokens: 3_000 } })
    w.server.script.add({ prompt: 'Lantern', answer: { is: 'text', text: '{"entries": []}' } })
    const long = Array.from({ length: 400 }, (_, at) => `Lantern ${at} hung over the grey water.`).join(' ')
    const { novelId } = await novelOf(w, [long])
    expect((await run(w, proposeCodexEntries, { novelId })).result).toMatchObject({ success: 1, failed: 0 })
    expect(calls(w)[0]?.answered).toBe('context-exceeded')
    expect(calls(w).length).toBeGreaterThan(2)
  })

  it('reads a text that is too long for one call in parts, and finds quotations in the whole', async () => {
    await using w = await open({ models: { prose: { contextTokens: 3_000 } } })
    const long = Array.from({ length: 400 }, (_, at) => `Lantern ${at} hung over the grey water.`).join(' ')
    const { novelId } = await novelOf(w, [`${long} Berit Hask put them out.`])
    const berit = person('Berit Hask', [], 'Puts lanterns out.', 'Berit Hask put them out')
    w.server.script.add(
      { prompt: 'Berit Hask put', answer: { is: 'text', text: JSON.stringify({ entries: [berit] }) } },
      { answer: { is: 'text', text: '{"entries": []}' } },
    )
    const asked = { userId: ann, taskType: proposeCodexEntries.type, parameters: { novelId } }
    const {
      byModel: [estimate],
    } = await estimateTask(w.services, asked)
    expect((await run(w, proposeCodexEntries, { novelId })).result).toMatchObject({ success: 1, found: 1 })
    expect(calls(w).length).toBeGreaterThan(1)
    expect(estimate?.calls).toBe(calls(w).length)
  })
})

describeWriting('names that patterns find', open => {
  it('are quoted in whole characters', async () => {
    await using w = await open()
    const faces = '😀'.repeat(60)
    for (const shift of ['', ' ']) {
      const { novelId } = await novelOf(w, [`${shift}${faces} "Never," said Torvald. ${faces}`])
      const [{ name = '', quotation = '' } = {}] = await proposals(w, novelId)
      expect(name).toBe('Torvald')
      expect(quotation).toContain('said Torvald. 😀')
      expect(quotation).not.toMatch(/\p{Surrogate}/u)
    }
  })
})

describeWriting('names of a book with many people', open => {
  it('are proposed until each has an entry or is ignored', async () => {
    await using w = await open()
    const people = Array.from(
      { length: 45 },
      (_, at) => `Tor${'bdfgk'[at % 5]}a${'lmnprstvz'[Math.floor(at / 5)]}`,
    )
    const { novelId } = await novelOf(w, [people.map(name => `"Never," said ${name}.`).join(' ')])
    const names = async () =>
      (await proposals(w, novelId)).filter(({ kind }) => kind === 'person').map(({ name }) => name)
    const first = await names()
    expect(first).toHaveLength(40)
    const entries = first.map((name, at) => ({
      id: `e${at}`,
      fields: newCodexEntry.parse({ kind: 'person', name }),
    }))
    await w.library.codex.add(ann, novelId, entries)
    expect(await names()).toEqual(people.slice(40))
  })
})

describeWriting('CheckCodex', open => {
  it('shows what text and entry bear out until one of them is mended; what is intended stays so', async () => {
    await using w = await open()
    const { novelId, sceneIds } = await novelOf(w)
    const { codex } = w.library
    const entry = (id: string, fields: object) => ({ id, fields: newCodexEntry.parse(fields) })
    await codex.add(ann, novelId, [
      entry('berit', {
        ...{ kind: 'person', name: 'Berit', aliases: ['Miss Hask'], text: 'Berit has green eyes.' },
        ...{ note: 'She is a spy.' },
      }),
      entry('secret', { kind: 'fact', name: 'clock', text: 'The clock is a bomb.', when: 'never' }),
    ])
    const item = (more: object) => ({
      ...{ entry: 'Berit', kind: 'appearance', quotation: 'her blue eyes', noted: 'has green eyes' },
      ...{ explanation: 'Blue is not green.', ...more },
    })
    script(w, texts[0] ?? '', { contradictions: [] })
    script(w, texts[1] ?? '', { contradictions: [item({ quotation: 'her red eyes' })] })
    script(w, texts[2] ?? '', { contradictions: [item({}), item({ entry: 'clock', noted: 'is a bomb' })] })
    const { result } = await run(w, checkCodex, { novelId })
    expect(result).toMatchObject({ total: 4, success: 3, skipped: 1, found: 1, dropped: 2 })
    for (const { prompt } of calls(w)) expect(prompt).not.toMatch(/spy|bomb/)
    const shown = async () => {
      const { items } = await listFindings(w, { userId: ann, novelId }, { pageSize: 100 })
      return items
    }
    const [finding] = await shown()
    expect(await shown()).toEqual([
      {
        ...{ id: finding?.id, code: 'CONTRADICTS_APPEARANCE', sceneId: sceneIds[2], name: 'Berit' },
        ...{ entryId: 'berit', quotation: 'her blue eyes', entryQuotation: 'has green eyes' },
        ...{ explanation: 'Blue is not green.', model: 'prose', from: 33, to: 46 },
      },
    ])
    const { id: key = '' } = finding ?? {}
    await codex.dismiss(ann, novelId, { what: 'finding', key, reason: 'She dyes them.' })
    await write(w, sceneIds[2] ?? '', `Later. ${texts[2]}`)
    expect(await shown()).toMatchObject([{ id: key, intended: 'She dyes them.', from: 40 }])
    // A scene that was changed is read again, and the others are not.
    script(w, 'Later. Berit', { contradictions: [item({})] })
    await run(w, checkCodex, { novelId })
    expect(calls(w)).toHaveLength(4)
    expect(await shown()).toMatchObject([{ id: key, intended: 'She dyes them.' }])
    await write(w, sceneIds[2] ?? '', 'Berit opened her green eyes.')
    expect(await shown()).toEqual([])
    await write(w, sceneIds[2] ?? '', texts[2] ?? '')
    expect(await shown()).toHaveLength(1)
    await codex.edit(ann, { novelId, entryId: 'berit', expectedVersion: 1 }, { text: 'Berit has eyes.' })
    expect(await shown()).toEqual([])
    // Every scene that mentions an entry that was changed is compared with it again.
    w.server.script.add({ answer: { is: 'text', text: '{"contradictions": []}' } })
    await run(w, checkCodex, { novelId })
    expect(calls(w)).toHaveLength(7)
  })

  it('asks nothing where no entry is mentioned, and is refused without a model', async () => {
    await using w = await open()
    const { novelId } = await novelOf(w)
    expect((await run(w, checkCodex, { novelId })).result).toMatchObject({ success: 0, skipped: 4 })
    expect(calls(w)).toEqual([])
    const unknown = w.t.submit(checkCodex, { novelId, model: 'none' }, { userId: ann })
    await expect(unknown).rejects.toMatchObject({ code: 'PROVIDER_NOT_CONFIGURED' })
  })
})
