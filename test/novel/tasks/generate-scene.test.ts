import { type In, QuillworkError } from 'quillwork'
import {
  batchGenerateScene,
  estimateTask,
  generateScene,
  generateSummary,
  importNovel,
  storeUpload,
} from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import type { SceneEdit } from '../../../src/novel/library/scenes.ts'
import type { Answer } from '../../models/script.ts'
import { textFor } from '../../models/texts.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

/** A busy machine is no model that stalls. */
const patient = { first: 30_000, idle: 30_000, total: 50_000 }

/** A model that writes a whole scene in one part. */
const large = { prose: { contextTokens: 16_000, maxOutputTokens: 8_000, timeouts: patient } }
const summary = 'The miller finds the letter under the bridge.'
/** A wish that a sentence or two are long enough for. */
const brief = { length: { words: 20 } }
/** Returns a text of 13 words. */
const toldOf = (what: string) => `${what} rose over the mill, and nobody saw how high the water came.`

describeWriting('GenerateScene', open => {
  it('writes a scene from its summary, shows it as it grows, and keeps where it comes from', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId, before } = await emptyScene(w)
    const wishes = { style: 'like a ballad', tone: 'wry', instructions: 'Mention rain.', temperature: 0.5 }
    const task = await w.t.submit(
      generateScene,
      { novelId, sceneId, length: { words: 300 }, ...wishes },
      { userId: ann },
    )
    await w.t.drain()
    const [call] = w.server.ledger.calls
    const text = textFor(call?.prompt ?? '')
    const result = await task.result()
    expect(result).toMatchObject({
      sceneId,
      accepted: true,
      skipped: false,
      failed: [],
      candidates: [{ status: 'accepted', finishReason: 'stop' }],
      model: 'prose',
      prompt: { name: 'generate-scene', language: 'en', version: expect.stringMatching(/^5\+/) },
      usage: { inputTokens: call?.inputTokens, outputTokens: call?.outputTokens, cost: expect.any(Number) },
    })
    expect(result.processingTimeMs).toBeLessThan(60_000)
    expect(w.server.ledger.calls).toHaveLength(1)
    expect(await w.scene(sceneId)).toMatchObject({
      content: text,
      summaryOutOfDate: false,
      textOrigin: {
        method: 'generative',
        model: 'prose',
        prompt: result.prompt,
        usage: result.usage,
        finishReason: 'stop',
        brief: summary,
        parameters: { ...wishes, words: 300, parts: 1, providerModel: 'prose' },
        writtenBy: { taskId: task.taskId, attempt: 1 },
      },
    })
    expect(await outputOf(w, task.taskId)).toBe(text)
    expect(call?.prompt).toContain(`<novel-text>\n${summary}\n</novel-text>`)
    expect(call?.prompt).toContain(before)
    expect(call?.prompt).toMatch(
      /Length: about 300 words\.\n- Style: like a ballad\n- Tone: wry\n- Mention rain\.\n/,
    )
    const { items } = await w.t.tasks.usageReport({}, { by: 'subject' })
    expect(items).toMatchObject([{ key: novelId }])
  })

  it('replaces a text where that is wished and keeps it in the history, or leaves the scene as it is', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w, { content: 'By hand.' })
    const kept = { novelId, sceneId, skipWritten: true }
    const left = await w.t.submit(generateScene, kept, { userId: ann })
    await w.t.drain()
    expect(await left.result()).toMatchObject({ skipped: true, accepted: false, words: 0 })
    expect(w.server.ledger.calls).toEqual([])
    const asked = { novelId, sceneId, accept: 'automatically' } as const
    const replaced = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await replaced.result()).toMatchObject({ skipped: false, accepted: true })
    const { items } = await w.library.scenes.history(ann, sceneId, { pageSize: 5 })
    expect(items).toMatchObject([{ what: 'text', why: 'overwritten', text: 'By hand.' }, {}])
  })

  it('takes a summary of the task in the place of that of the scene, and says that the other is out of date', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const own = 'The miller burns the letter.'
    const task = await w.t.submit(generateScene, { novelId, sceneId, summary: own }, { userId: ann })
    await w.t.drain()
    await task.result()
    expect(w.server.ledger.calls[0]?.prompt).toContain(own)
    expect(w.server.ledger.calls[0]?.prompt).not.toContain(summary)
    expect(await w.scene(sceneId)).toMatchObject({ summaryOutOfDate: true, textOrigin: { brief: own } })
  })

  it('writes a long scene in parts, pays none twice, and shows all of it in every attempt', async () => {
    await using w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 0 }, prompt: 'This is the last part', times: 1 })
    const asked = { novelId, sceneId, length: { words: 700 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    const first = await w.t.tasks.get(task.taskId)
    expect(first).toMatchObject({ status: 'RETRYING', errorInfo: { code: 'MODEL_ANSWER_CUT' } })
    expect((await w.scene(sceneId)).content).toBe('')
    await w.t.jump('20s')
    const result = await task.result()
    const whole = w.server.ledger.of().filter(call => call.whole)
    expect(whole).toHaveLength(3)
    const text = whole.map(call => call.text).join('\n\n')
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
    expect(w.server.ledger.paidTwice()).toEqual([])
    expect(whole[1]?.prompt).toContain(whole[0]?.text ?? '-')
    expect(whole.map(call => /about (\d+) words/.exec(call.prompt)?.[1])).toEqual(['234', '234', '234'])
    expect(result.usage?.outputTokens).toBe(whole.reduce((sum, call) => sum + call.outputTokens, 0))
  })

  it('goes on in the next attempt with what had arrived when the connection ended, and pays it once', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 6 }, times: 1 })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.advance('1s')
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ errorInfo: { code: 'MODEL_ANSWER_CUT' } })
    await w.t.jump('20s')
    const { usage } = await task.result()
    const [cut, rest, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const text = textFor(cut?.prompt ?? '')
    const arrived = text.slice(0, -(rest?.text.length ?? 0)).trimEnd()
    // Six stretches of twelve characters, without the word that may not be whole.
    expect(arrived.length).toBeGreaterThan(60)
    expect(rest?.prompt).toContain(`<novel-text>\n${arrived}\n</novel-text>`)
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
    // What was recorded when the connection ended is not recorded again.
    const { items } = await w.t.tasks.usageReport({ taskId: task.taskId }, { by: 'task' })
    expect(items).toMatchObject([{ calls: 2, estimatedCalls: 0, inputTokens: usage?.inputTokens }])
    expect(usage?.inputTokens).toBeGreaterThan(rest?.inputTokens ?? 0)
  })

  it('goes on with a later part that was cut off, behind those that are kept', async () => {
    await using w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 6 }, prompt: 'This is the last part', times: 1 })
    const asked = { novelId, sceneId, length: { words: 700 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    await w.t.jump('20s')
    await task.result()
    const [one, two, cut, rest, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const text = [one?.text, two?.text, textFor(cut?.prompt ?? '')].join('\n\n')
    expect(text.endsWith(rest?.text ?? '-')).toBe(true)
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
  })

  it.each([
    ['a paragraph begins', 'He closed the door', '\n\nMorning came.', 'He closed the door\n\nMorning came.'],
    ['a sentence goes on', 'He closed', 'the door.', 'He closed the door.'],
    ['a quotation begins', 'He said: "', 'Nobody."', 'He said: "Nobody."'],
  ])('joins what goes on where %s', async (_, end, second, joined) => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const first = 'The miller came home before it was light. '
    const whole = first + joined
    w.server.script.add(
      { answer: { is: 'truncated', text: `${first}${end} ` }, times: 1 },
      { answer: { is: 'text', text: second }, times: 1 },
    )
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    await task.result()
    expect((await w.scene(sceneId)).content).toBe(whole)
    expect(await outputOf(w, task.taskId)).toBe(whole)
  })

  it('ends where every answer breaks off, also when each attempt may make one call alone', async () => {
    const limits = { requestsPerMinute: 1 }
    await using w = await open({ models: { prose: { ...large.prose, limits } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'truncated', text: 'And then the rain began to' } })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    for (let minute = 0; minute < 25; minute++) await w.t.jump('61s')
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_TRUNCATED' } })
    expect(w.server.ledger.calls.length).toBeLessThanOrEqual(16)
  })

  it('goes on after a cut also with parameters that a person changed, and pays nothing twice', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add(
      { answer: { is: 'refused' }, times: 1 },
      { answer: { is: 'cut', after: 6 }, times: 1 },
      { answer: { is: 'failed', status: 500 }, times: 1 },
    )
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    await w.t.tasks.retry(task.taskId, { parameters: { novelId, sceneId, summary: 'The miller burns it.' } })
    await w.t.drain()
    for (const wait of ['20s', '70s'] as const) await w.t.jump(wait)
    await task.result()
    const [, cut, , rest, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const text = textFor(cut?.prompt ?? '')
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(text.endsWith(rest?.text ?? '-')).toBe(true)
  })

  it.each([1, 2])('writes part %i anew that a person has run again, and pays for no other', async number => {
    const { w, task, sceneId, parts } = await failedAtLastPart()
    await using _ = w
    const steps = (await w.t.tasks.steps(task.taskId)).toSorted()
    expect(steps).toEqual(expect.arrayContaining([parts[0], parts[1]]))
    w.server.script.add({ answer: { is: 'text', text: 'The mill was burning.' }, times: 1 })
    await w.t.tasks.retry(task.taskId, { repeatSteps: [parts[number - 1] ?? ''] })
    await w.t.drain()
    const { usage } = await task.result()
    const [one, two, , again, three, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    expect(again?.prompt).toBe([one, two][number - 1]?.prompt)
    const texts = [one, two].map((call, index) => (index === number - 1 ? again : call)?.text)
    const text = [...texts, three?.text].join('\n\n')
    expect(text).toContain('The mill was burning.')
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
    const { items } = await w.t.tasks.usageReport({ taskId: task.taskId }, { by: 'task' })
    expect(items).toMatchObject([{ estimatedCalls: 0 }])
    expect(usage?.outputTokens).toBe(
      [again, three, number === 1 ? two : one].reduce((sum, call) => sum + (call?.outputTokens ?? 0), 0),
    )
  })

  it('writes the parts anew that a person does not keep, also where the parameters stay as they are', async () => {
    const { w, task, novelId, sceneId, parts } = await failedAtLastPart()
    await using _ = w
    const parameters = { novelId, sceneId, length: { words: 700 } }
    await w.t.tasks.retry(task.taskId, { parameters, keepCheckpoints: parts.slice(0, 1) })
    await w.t.drain()
    await task.result()
    const [one, , , two, three, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const text = [one, two, three].map(call => call?.text).join('\n\n')
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
  })

  /** A scene of three parts, of which the model refused the last one. */
  async function failedAtLastPart() {
    const w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, prompt: 'This is the last part', times: 1 })
    const asked = { novelId, sceneId, length: { words: 700 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ status: 'FAILED' })
    const steps = await w.t.tasks.steps(task.taskId)
    const parts = steps.filter(step => /part \d$/.test(step)).toSorted()
    expect(parts).toHaveLength(2)
    return { w, task, novelId, sceneId, parts }
  }

  it('is tried again after 1, 4 and 15 seconds where a person waits for it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'empty' }, times: 3 })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann, lane: 'default' })
    for (const seconds of [1, 4, 15]) {
      await w.t.drain()
      const { nextAttemptTimestamp = 0 } = await w.t.tasks.get(task.taskId)
      const waitMs = nextAttemptTimestamp - w.t.clock.now()
      expect(waitMs).toBeGreaterThanOrEqual(seconds * 900)
      expect(waitMs).toBeLessThanOrEqual(seconds * 1_100)
      await w.t.jump(waitMs)
    }
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'COMPLETED' })
  })

  it('ends where each attempt is cut off again, and goes on from all that had arrived when a person retries it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 1 } })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    for (const wait of ['20s', '70s', '6m', '34m'] as const) await w.t.jump(wait)
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ status: 'DEAD_LETTER', attempt: 5 })
    w.server.script.clear()
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    await task.result()
    expect((await w.scene(sceneId)).content).toBe(textFor(w.server.ledger.calls[0]?.prompt ?? ''))
    expect(w.server.ledger.paidTwice()).toEqual([])
  })

  it('goes on where an answer broke off, between whole words', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add(
      { answer: { is: 'truncated', text: 'The miller crossed the bri' }, times: 1 },
      { answer: { is: 'text', text: 'bridge and saw nobody.' }, times: 1 },
    )
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ candidates: [{ finishReason: 'stop' }], words: 8 })
    const text = 'The miller crossed the bridge and saw nobody.'
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
    expect(w.server.ledger.calls[1]?.prompt).toContain('<novel-text>\nThe miller crossed the\n</novel-text>')
  })

  it('fails where the model breaks off again and again, and keeps nothing half', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    for (const text of ['And then the rain began to', 'fall upon the roof of the'])
      w.server.script.add({ answer: { is: 'truncated', text }, times: 1 })
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_TRUNCATED' } })
    expect(w.server.ledger.calls).toHaveLength(2)
    expect((await w.scene(sceneId)).content).toBe('')

    // Whoever gave the model more room goes on from what is paid.
    w.server.script.clear()
    w.server.script.add({ answer: { is: 'text', text: 'mill, and nobody was there.' }, times: 1 })
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    await task.result()
    expect(w.server.ledger.calls).toHaveLength(3)
    const text = 'And then the rain began fall upon the roof of mill, and nobody was there.'
    expect((await w.scene(sceneId)).content).toBe(text)
  })

  it('goes on by the plan that it began with, also where the model may answer more by then', async () => {
    await using w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, prompt: 'This is the last part', times: 1 })
    const asked = { novelId, sceneId, length: { words: 700 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED' })
    const larger = { ...w.models.languageModel('prose', 'prose'), maxOutputTokens: 8_000 }
    vi.spyOn(w.models, 'languageModel').mockReturnValue(larger)
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    await task.result()
    const [one, two, refused, three, ...others] = w.server.ledger.calls
    expect([refused?.prompt.includes('This is the last part'), others]).toEqual([true, []])
    const parts = [one, two, three].map(call => call?.text)
    expect((await w.scene(sceneId)).content).toBe(parts.join('\n\n'))
  })

  it('plans anew while nothing is written', async () => {
    await using w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, times: 1 })
    const asked = { novelId, sceneId, length: { words: 700 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    const larger = {
      ...w.models.languageModel('prose', 'prose'),
      maxOutputTokens: 8_000,
      contextTokens: 32_000,
    }
    vi.spyOn(w.models, 'languageModel').mockReturnValue(larger)
    await w.t.tasks.retry(task.taskId)
    await w.t.drain()
    await task.result()
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it('writes what a person asks for who tries again with another summary', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, times: 1 })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    const milder = 'The miller finds a toy under the bridge.'
    await w.t.tasks.retry(task.taskId, { parameters: { novelId, sceneId, summary: milder } })
    await w.t.drain()
    await task.result()
    expect(w.server.ledger.calls.at(-1)?.prompt).toContain(milder)
    expect(await w.scene(sceneId)).toMatchObject({ textOrigin: { brief: milder } })
  })

  it('is shown nothing of the novel where no tokens are to be spent on it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId, before } = await emptyScene(w)
    const task = await w.t.submit(generateScene, { novelId, sceneId, contextTokens: 0 }, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ sceneId, accepted: true })
    expect(w.server.ledger.calls[0]?.prompt).not.toContain(before)
  })

  it('gives each call its beat with a length of its own, what came before, and the next beat alone', async () => {
    await using w = await open({ models: large })
    const events = [
      'The miller sings.',
      'He finds a letter.',
      'He burns it.',
      'It rains.',
      'He runs.',
      'He is gone.',
    ]
    const { novelId, sceneId } = await emptyScene(w, { summary: events.join(' ') })
    const asked = { novelId, sceneId, length: { words: 1_500 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    const { words } = await task.result()
    expect(words).toBeGreaterThan(1_300)
    const prompts = w.server.ledger.calls.map(({ prompt }) => prompt)
    expect(prompts.map(prompt => /about (\d+) words/.exec(prompt)?.[1])).toEqual(['500', '500', '500'])
    const shown = prompts.map(prompt => events.map(event => prompt.includes(event)))
    expect(shown).toEqual([
      [true, true, true, true, false, false],
      [true, true, true, true, true, true],
      [true, true, true, true, true, true],
    ])
    expect(prompts[0]).toContain('What comes after that. Lead up to it, and tell nothing of it yet:')
    expect(prompts[1]).toMatch(/told so far:\n<novel-text>\nThe miller sings.\nHe finds a letter.\n</)
    expect(prompts[2]).not.toContain('What comes after that')
    expect((await w.scene(sceneId)).textOrigin).toMatchObject({ parameters: { parts: 3 } })
  })

  it('ends an answer that runs on behind a sentence, in the scene and in what is read meanwhile', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'text', text: textFor('It runs on.', 250) } })
    const task = await w.t.submit(
      generateScene,
      { novelId, sceneId, length: { words: 150 } },
      { userId: ann },
    )
    await w.t.drain()
    const { words } = await task.result()
    expect(words).toBeGreaterThan(150)
    expect(words).toBeLessThanOrEqual(172)
    const { content } = await w.scene(sceneId)
    expect(content).toMatch(/\.$/)
    expect(w.server.ledger.calls[0]?.text.startsWith(content)).toBe(true)
    expect(await outputOf(w, task.taskId)).toBe(content)
    expect(w.server.ledger.calls).toHaveLength(1)
  })

  it.each([
    ['is long enough', 110, 1],
    ['lacks length, once', 60, 2],
  ])('pays at most two calls for 100 words: an answer broke off that %s', async (_, length, calls) => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const text = textFor('It breaks off.', 40).split(' ').slice(0, length).join(' ')
    w.server.script.add({ answer: { is: 'truncated', text: `${text}. And` }, times: 2 })
    const task = await w.t.submit(
      generateScene,
      { novelId, sceneId, length: { words: 100 } },
      { userId: ann },
    )
    await w.t.drain()
    expect((await task.state()).status).toBe('COMPLETED')
    expect(w.server.ledger.calls).toHaveLength(calls)
  })

  it('asks for less where the part before was longer than asked', async () => {
    await using w = await open({ models: { prose: { maxOutputTokens: 1_000, timeouts: patient } } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'text', text: textFor('And then it rained.', 50) }, times: 1 })
    const task = await w.t.submit(
      generateScene,
      { novelId, sceneId, length: { words: 700 } },
      { userId: ann },
    )
    await w.t.drain()
    await task.result()
    const asked = w.server.ledger.calls.map(call => /about (\d+) words/.exec(call.prompt)?.[1])
    expect(asked).toEqual(['234', '218', '234'])
  })

  it('learns a smaller window from a refusal, and asks once more with a prompt that fits it', async () => {
    await using w = await open({ models: large, server: { contextTokens: 2_000 } })
    const { novelId, sceneId } = await emptyScene(w)
    const [, second] = await w.scenes(novelId)
    await edit(w, second?.id ?? '', { content: textFor('before', 400) })
    const asked = { novelId, sceneId, length: { words: 100 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await task.result()).toMatchObject({ accepted: true, skipped: false })
    expect(w.server.ledger.calls.map(({ answered }) => answered)).toEqual(['context-exceeded', 'text'])
    expect(w.models.languageModel('prose').contextTokens).toBe(2_000)
    const again = await w.t.submit(generateScene, { ...asked, tone: 'wry' }, { userId: ann })
    await w.t.drain()
    await again.result()
    expect(w.server.ledger.calls.map(({ answered }) => answered).slice(2)).toEqual(['text'])
  })

  it('says of a quotation of the old text that it is out of date', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w, {
      content: 'The miller sang. He was alone.',
      summary: '',
    })
    await w.t.submit(generateSummary, { novelId, sceneId, model: 'extractive' }, { userId: ann })
    await w.t.drain()
    expect((await w.scene(sceneId)).summary).toMatchObject({ method: 'extractive' })
    const asked = { novelId, sceneId, accept: 'automatically' } as const
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    await task.result()
    expect(await w.scene(sceneId)).toMatchObject({
      summaryOutOfDate: true,
      textOrigin: { method: 'generative', brief: expect.stringContaining('The miller sang.') },
    })
  })

  it('costs what was estimated, and no less than two thirds of it; its prompts are kept with the candidate', async () => {
    await using w = await open({ models: large })
    const novelId = await w.novel(6)
    const sceneId = (await w.scenes(novelId)).at(-1)?.id ?? ''
    const twoSteps = 'The miller sings.\nHe finds a letter under the bridge.'
    await w.library.scenes.editScene(ann, { sceneId, expectedVersion: 1, content: '', summary: twoSteps })
    for (const length of [{ words: 100 }, { words: 1_200 }]) {
      const parameters = { novelId, sceneId, length, accept: 'by-author' as const }
      const estimate = await estimateTask(w.services, {
        userId: ann,
        taskType: generateScene.type,
        parameters,
      })
      const task = await w.t.submit(generateScene, parameters, { userId: ann })
      await w.t.drain()
      const result = await task.result()
      const [used] = await w.t.tasks.usage(task.taskId, { tree: true })
      const [expected] = estimate.byModel
      expect(expected?.calls).toBe(used?.calls)
      const sum = (use?: { inputTokens: number; outputTokens: number }) =>
        use === undefined ? Number.NaN : use.inputTokens + use.outputTokens
      const ratio = sum(expected) / sum(used)
      expect(ratio).toBeGreaterThanOrEqual(1)
      expect(ratio).toBeLessThan(1.5)
      const candidateId = result.candidates[0]?.candidateId ?? ''
      const { prompts = [] } = await w.library.candidates.candidate(ann, { sceneId, candidateId })
      expect(prompts).toHaveLength(used?.calls ?? 0)
      expect(prompts[0]?.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['system', 'plan', 'textBefore']),
      )
      expect(prompts[0]?.at(-1)).toMatchObject({ kind: 'textBefore', shown: expect.any(Array), leftOut: [] })
    }
    const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
    expect(items[0]).not.toHaveProperty('prompts')
  })

  it('D4: leaves the text that a person wrote meanwhile, and keeps its own beside it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const { task, during } = await whileAsked(w, { novelId, sceneId })
    await during(() => edit(w, sceneId, { content: 'By hand.' }))
    const result = await task.result()
    expect(result).toMatchObject({ accepted: false, candidates: [{ status: 'open' }], skipped: false })
    expect((await w.scene(sceneId)).content).toBe('By hand.')
    const candidateId = result.candidates[0]?.candidateId ?? ''
    const kept = await w.library.candidates.candidate(ann, { sceneId, candidateId })
    expect(kept).toMatchObject({ status: 'open', text: w.server.ledger.calls[0]?.text })
  })

  it('does not take for an edit that only the summary or the title changed', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const { task, during } = await whileAsked(w, { novelId, sceneId })
    await during(() => edit(w, sceneId, { title: 'At dawn' }))
    expect(await task.result()).toMatchObject({ accepted: true })
  })

  it('D5: fails for good when the scene is deleted meanwhile', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const { task, during } = await whileAsked(w, { novelId, sceneId })
    await during(() => w.library.shelf.remove(ann, novelId))
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'SCENE_NOT_FOUND' } })
    expect(w.server.ledger.calls).toHaveLength(1)
  })

  it('closes the connection when it is cancelled, counts what was used, and writes nothing', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const { task, during } = await whileAsked(w, { novelId, sceneId }, { is: 'stalled', after: 3 })
    await during(() => w.t.tasks.cancel(task.taskId))
    expect((await task.state()).status).toBe('CANCELLED')
    expect(w.server.ledger.calls[0]).toMatchObject({ closedByClient: true, whole: false })
    expect((await w.scene(sceneId)).content).toBe('')
    const [used] = await w.t.tasks.usage(task.taskId)
    expect(used).toMatchObject({ model: 'prose', calls: 1 })
  })
})

describeWriting('GenerateScene checks what a model wrote', open => {
  const talk = 'Here is the scene you asked for:\n\n'
  const faultless = 'The miller lifted a stone under the bridge, and there, dry as a leaf, lay the letter.'

  it('asks once more for a text that has a fault, and saves the one that has none', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add(
      { answer: { is: 'text', text: talk + faultless }, times: 1 },
      { answer: { is: 'text', text: faultless }, times: 1 },
    )
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    const result = await task.result()
    expect(result).toMatchObject({ accepted: true, skipped: false, words: 17 })
    expect(result.candidates[0]).not.toHaveProperty('faults')
    const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
    expect(items.map(({ status, faults = [] }) => [status, faults.length])).toEqual([
      ['accepted', 0],
      ['discarded', 1],
    ])
    expect((await w.scene(sceneId)).content).toBe(faultless)
    expect(await outputOf(w, task.taskId)).toBe(faultless)
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ attempt: 2, retryCount: 0 })
    const [first, second, ...others] = w.server.ledger.calls
    expect([second?.promptHash, others]).toEqual([first?.promptHash, []])
  })

  it('offers the better of two alone, also where the author writes meanwhile', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add(
      { answer: { is: 'text', text: talk + faultless }, times: 1 },
      { answer: { is: 'text', text: faultless }, times: 1 },
    )
    const { propose } = w.library.candidates
    vi.spyOn(w.library.candidates, 'propose').mockImplementationOnce(async proposal => {
      await edit(w, sceneId, { content: 'By hand.' })
      return propose(proposal)
    })
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    expect(await task.result()).toMatchObject({ accepted: false, candidates: [{ status: 'open' }] })
    const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
    expect(items).toMatchObject([
      { status: 'open', text: faultless },
      { status: 'discarded', text: talk + faultless, closedBy: { taskId: task.taskId } },
    ])
    expect((await w.scene(sceneId)).content).toBe('By hand.')
  })

  it('never saves a text that has a fault: the better of two is offered, with its faults named', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w, { content: 'By hand.' })
    const better = `${faultless}\n\nI hope this helps!`
    w.server.script.add(
      { answer: { is: 'text', text: `${talk}\`\`\`\n${faultless}` }, times: 1 },
      { answer: { is: 'text', text: better }, times: 1 },
    )
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    const { candidates, accepted } = await task.result()
    expect({ candidates, accepted }).toMatchObject({
      accepted: false,
      candidates: [{ status: 'open', faults: [{ code: 'META_TALK' }] }],
    })
    expect((await w.scene(sceneId)).content).toBe('By hand.')
    const { items } = await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 5 })
    expect(items.map(({ status, faults }) => [status, faults?.length])).toEqual([
      ['open', 1],
      ['discarded', 2],
    ])
    expect(items[0]?.text).toBe(better)
    expect(await outputOf(w, task.taskId)).toBe(better)
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it.each<[string, Answer]>([
    ['the model refuses', { is: 'refused' }],
    ['the provider is away', { is: 'failed', status: 500 }],
    ['the connection breaks', { is: 'cut', after: 6 }],
  ])('keeps the first text where %s the second time', async (_, answer) => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'text', text: talk + faultless }, times: 1 }, { answer })
    const task = await w.t.submit(generateScene, { novelId, sceneId, ...brief }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    // Behind words of the second text, in an attempt of its own.
    await w.t.advance('1s')
    const [{ candidateId = '', faults } = {}] = (await task.result()).candidates
    expect(faults).toMatchObject([{ code: 'META_TALK', from: 0 }])
    const kept = await w.library.candidates.candidate(ann, { sceneId, candidateId })
    expect(kept).toMatchObject({ status: 'open', text: talk + faultless })
    expect(await outputOf(w, task.taskId)).toBe(talk + faultless)
    expect((await w.scene(sceneId)).content).toBe('')
  })

  it('keeps the first text where the budget allows no second one, and waits for no more', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'text', text: talk + faultless } })
    const asked = { novelId, sceneId, ...brief }
    const trial = await w.t.submit(generateScene, { ...asked, candidates: 1 }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    await trial.result()
    const [call] = w.server.ledger.calls
    // What a call reserves: its prompt, and twice its answer with what the model may think.
    const tokens = (call?.inputTokens ?? 0) + 1_400
    const task = await w.t.submit(generateScene, asked, { userId: ann, budget: { tokens } })
    await w.t.drain()
    await w.t.advance('1s')
    expect(await task.result()).toMatchObject({ candidates: [{ faults: [{ code: 'META_TALK' }] }] })
    expect(w.server.ledger.calls).toHaveLength(3)
    expect((await w.scene(sceneId)).content).toBe('')
  })
})

describeWriting('GenerateScene with fallbacks', open => {
  const models = {
    prose: {
      ...large.prose,
      fallbacks: [{ model: 'second', on: ['MODEL_ANSWER_FILTERED', 'MODEL_UNAVAILABLE'] as const }],
    },
    second: large.prose,
  }

  it.each<[string, Answer, number]>([
    ['before a word was read: in the same attempt', { is: 'failed', status: 500 }, 1],
    [
      'behind words that were read: in a new attempt, whose output begins anew',
      { is: 'filtered', text: 'The first words are. ' },
      2,
    ],
  ])('asks another model %s', async (_name, answer, attempts) => {
    await using w = await open({ models })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer, model: 'prose' })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    expect(await task.result()).toMatchObject({ model: 'second', accepted: true })
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ attempt: attempts, retryCount: 0 })
    expect(w.server.ledger.of({ refused: true }).map(call => call.model)).toEqual(['prose', 'second'])
    const text = w.server.ledger.calls[1]?.text
    expect((await w.scene(sceneId)).content).toBe(text)
    expect(await outputOf(w, task.taskId)).toBe(text)
  })

  it('lets another model go on with what had arrived when the first one failed', async () => {
    const on = ['MODEL_ANSWER_CUT'] as const
    const fallbacks = [{ model: 'second', on }]
    await using w = await open({ models: { prose: { ...large.prose, fallbacks }, second: large.prose } })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'cut', after: 6 }, model: 'prose' })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    await w.t.advance('1s')
    expect(await task.result()).toMatchObject({ model: 'prose, second' })
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ attempt: 2, retryCount: 0 })
    const [cut, rest, ...others] = w.server.ledger.calls
    expect([rest?.model, others]).toEqual(['second', []])
    expect((await w.scene(sceneId)).content).toBe(textFor(cut?.prompt ?? ''))
  })

  it('fails with what the model said where no fallback is for that', async () => {
    await using w = await open({ models })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' } })
    const task = await w.t.submit(generateScene, { novelId, sceneId }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_REFUSED' } })
    expect(w.server.ledger.calls).toHaveLength(1)
  })
})

describeWriting('GenerateScene refuses at once', open => {
  it('what cannot be done', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w, { summary: '' })
    const [chapter] = (await w.library.shelf.chapters(ann, { novelId }, { pageSize: 1 })).items
    const chapterId = chapter?.id ?? ''
    const scene = { novelId, sceneId, summary }
    for (const [parameters, code] of [
      [{ novelId, sceneId }, 'SCENE_EMPTY'],
      [{ novelId, chapterId }, 'SCENE_EMPTY'],
      [{ ...scene, model: 'grand' }, 'PROVIDER_NOT_CONFIGURED'],
      [{ ...scene, length: { words: 19 } }, 'PARAMETERS_INVALID'],
      [{ ...scene, length: { words: 5_001 } }, 'PARAMETERS_INVALID'],
      [{ ...scene, length: { characters: 30_001 } }, 'PARAMETERS_INVALID'],
      [{ ...scene, chapterId }, 'PARAMETERS_INVALID'],
      [{ ...scene, candidates: 5 }, 'PARAMETERS_INVALID'],
      [{ ...scene, candidates: 2, accept: 'automatically' }, 'PARAMETERS_INVALID'],
      [{ ...scene, insteadOf: 'nowhere' }, 'CANDIDATE_NOT_FOUND'],
      [{ novelId, summary }, 'PARAMETERS_INVALID'],
      [{ ...scene, title: 'New' }, 'PARAMETERS_INVALID'],
      [{ ...scene, sceneId: 'nowhere' }, 'SCENE_NOT_FOUND'],
      [{ ...scene, novelId: 'another' }, 'SCENE_NOT_FOUND'],
      [{ novelId, summary, chapterId: 'nowhere' }, 'CHAPTER_NOT_FOUND'],
    ] as const) {
      await expect(w.t.submit(generateScene, parameters, { userId: ann }), code).rejects.toMatchObject({
        code,
      })
    }
    await expect(w.t.submit(generateScene, scene, { userId: 'bob' })).rejects.toMatchObject({
      code: 'SCENE_NOT_FOUND',
    })
    expect(w.server.ledger.calls).toEqual([])
  })

  it('prose where no model is configured, and says what to do', async () => {
    await using w = await open({ models: {} })
    const { novelId, sceneId } = await emptyScene(w)
    for (const submitted of [
      w.t.submit(generateScene, { novelId, sceneId }, { userId: ann }),
      w.t.submit(batchGenerateScene, { novelId }, { userId: ann }),
    ])
      await expect(submitted).rejects.toMatchObject({
        code: 'PROVIDER_NOT_CONFIGURED',
        message: expect.stringMatching(/Configure one/),
      })
  })

  it('a request that is too long for the model even alone, with the numbers and before any call', async () => {
    await using w = await open({
      models: { prose: { contextTokens: 900, maxOutputTokens: 200, timeouts: patient } },
    })
    const { novelId, sceneId } = await emptyScene(w)
    const instructions = 'Mention the rain. '.repeat(150)
    const task = await w.t.submit(generateScene, { novelId, sceneId, instructions }, { userId: ann })
    await w.t.drain()
    expect(await task.state()).toMatchObject({
      status: 'FAILED',
      error: {
        code: 'MODEL_CONTEXT_EXCEEDED',
        message: expect.stringMatching(/about \d+ tokens.*prose takes 900/),
      },
    })
    expect(w.server.ledger.calls).toEqual([])
  })
})

describeWriting('the candidates of GenerateScene', open => {
  it('stand beside a text that is there, and in an empty scene where the author wants to decide', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const first = await candidatesOf(w, { novelId, sceneId, accept: 'by-author' })
    expect(first).toMatchObject([{ status: 'open', number: 1, provenance: { method: 'generative' } }])
    expect((await w.scene(sceneId)).content).toBe('')
    const skipped = await w.t.submit(generateScene, { novelId, sceneId, skipWritten: true }, { userId: ann })
    await w.t.drain()
    expect(await skipped.result()).toMatchObject({ skipped: true })
    await edit(w, sceneId, { content: 'By hand.' })
    const insteadOf = first[0]?.id ?? ''
    const [second, ...others] = await candidatesOf(w, { novelId, sceneId, insteadOf, instructions: 'Rain.' })
    expect(second).toMatchObject({
      status: 'open',
      insteadOf,
      provenance: { parameters: { instructions: 'Rain.' } },
    })
    expect(others).toMatchObject([{ id: insteadOf, status: 'open' }])
    expect((await w.scene(sceneId)).content).toBe('By hand.')
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it('are several texts of one task, each written by itself, of which none enters the scene', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const texts = ['Smoke', 'Night', 'Water'].map(toldOf)
    for (const text of texts) w.server.script.add({ answer: { is: 'text', text }, times: 1 })
    const asked = { novelId, sceneId, candidates: 3, ...brief }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ accepted: false, words: 39, candidates: [{}, {}, {}] })
    const { calls } = w.server.ledger
    expect(result.usage?.outputTokens).toBe(calls.reduce((sum, call) => sum + call.outputTokens, 0))
    expect((await w.scene(sceneId)).content).toBe('')
    const kept = await listed(w, sceneId)
    expect(kept.map(({ text, number }) => [number, text])).toEqual([
      [3, texts[2]],
      [2, texts[1]],
      [1, texts[0]],
    ])
    expect(await outputOf(w, task.taskId)).toBe(texts.join('\n\n* * *\n\n'))
    const { progress = '' } = await w.t.tasks.get(task.taskId)
    expect(JSON.parse(progress)).toMatchObject({ done: 3, total: 3, words: 39 })
  })

  it('go on where an attempt was cut off, pay none twice and show all of it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    const first = toldOf('Smoke')
    w.server.script.add({ answer: { is: 'text', text: first }, times: 1 })
    w.server.script.add({ answer: { is: 'cut', after: 6 }, times: 1 })
    const asked = { novelId, sceneId, candidates: 2, ...brief }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ errorInfo: { code: 'MODEL_ANSWER_CUT' } })
    expect(await listed(w, sceneId)).toMatchObject([{ text: first }])
    await w.t.jump('20s')
    await task.result()
    const [, cut, rest, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const second = textFor(cut?.prompt ?? '')
    expect(second.endsWith(rest?.text ?? '-')).toBe(true)
    expect((await listed(w, sceneId)).map(({ text }) => text)).toEqual([second, first])
    expect(await outputOf(w, task.taskId)).toBe(`${first}\n\n* * *\n\n${second}`)
    expect(w.server.ledger.paidTwice()).toEqual([])
  })

  it.each(['where-empty', 'by-author'] as const)(
    'are kept once where an attempt is cut off behind its write: %s',
    async accept => {
      await using w = await open({ models: large })
      const { novelId, sceneId } = await emptyScene(w)
      const { candidates } = w.library
      const propose = candidates.propose.bind(candidates)
      vi.spyOn(candidates, 'propose').mockImplementationOnce(async proposal => {
        await propose(proposal)
        throw new Error('The answer of the store got lost.')
      })
      const task = await w.t.submit(generateScene, { novelId, sceneId, accept }, { userId: ann })
      await w.t.drain()
      expect((await task.state()).status).toBe('RETRYING')
      await w.t.jump('20s')
      const status = accept === 'by-author' ? 'open' : 'accepted'
      expect(await task.result()).toMatchObject({ candidates: [{ status }], usage: {}, model: 'prose' })
      const [call, ...others] = w.server.ledger.calls
      expect(others).toEqual([])
      expect(await listed(w, sceneId)).toMatchObject([{ status, text: call?.text }])
      expect((await w.scene(sceneId)).content).toBe(accept === 'by-author' ? '' : call?.text)
      expect(await outputOf(w, task.taskId)).toBe(call?.text)
    },
  )

  it('are left by one that the model does not write; without any the task fails', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, times: 1 })
    const some = await w.t.submit(generateScene, { novelId, sceneId, candidates: 2 }, { userId: ann })
    await w.t.drain()
    expect(await some.result()).toMatchObject({
      candidates: [{ status: 'open' }],
      failed: [{ number: 1, code: 'MODEL_ANSWER_REFUSED', message: expect.any(String) }],
    })
    expect(await listed(w, sceneId)).toMatchObject([{ number: 2 }])
    w.server.script.add({ answer: { is: 'refused' } })
    const none = await w.t.submit(generateScene, { novelId, sceneId, candidates: 2 }, { userId: ann })
    await w.t.drain()
    expect(await none.state()).toMatchObject({ status: 'FAILED', error: { code: 'MODEL_ANSWER_REFUSED' } })
    expect(w.server.ledger.calls).toHaveLength(4)
    w.server.script.clear()
    await w.t.tasks.retry(none.taskId)
    await w.t.drain()
    expect(await none.result()).toMatchObject({ candidates: [{}, {}], failed: [] })
    expect(w.server.ledger.calls).toHaveLength(6)
  })

  it('are asked for once, also one that the model refuses, and need no model when the author has decided', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add({ answer: { is: 'refused' }, times: 1 })
    const asked = { novelId, sceneId, candidates: 2, awaitAuthor: true, ...brief }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ waits: [{ signal: 'review' }] })
    vi.spyOn(w.models, 'languageModel').mockImplementation(() => {
      throw new QuillworkError('PROVIDER_NOT_CONFIGURED', 'There is no such model.')
    })
    const [offered] = await listed(w, sceneId)
    const { version: expectedVersion } = await w.scene(sceneId)
    await w.library.candidates.accept(ann, { sceneId, candidateId: offered?.id ?? '', expectedVersion })
    await w.t.signal(task.taskId, 'review', {})
    await w.t.drain()
    expect(await task.result()).toMatchObject({
      accepted: true,
      candidates: [{ status: 'accepted' }],
      failed: [{ number: 1, code: 'MODEL_ANSWER_REFUSED' }],
    })
    expect(w.server.ledger.calls).toHaveLength(2)
  })

  it('go on behind one that was withheld when it had begun, without a word of it', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await emptyScene(w)
    w.server.script.add(
      { answer: { is: 'filtered', text: 'Withheld words came in front of it. ' }, times: 1 },
      { answer: { is: 'cut', after: 6 }, times: 1 },
    )
    const asked = { novelId, sceneId, candidates: 2, ...brief }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect(await w.t.tasks.get(task.taskId)).toMatchObject({ errorInfo: { code: 'MODEL_ANSWER_CUT' } })
    await w.t.jump('20s')
    await task.result()
    const [, cut, rest, ...others] = w.server.ledger.calls
    expect(others).toEqual([])
    const second = textFor(cut?.prompt ?? '')
    expect(second.endsWith(rest?.text ?? '-')).toBe(true)
    expect(await listed(w, sceneId)).toMatchObject([{ text: second }])
    expect(await outputOf(w, task.taskId)).toBe(second)
  })
})

describeWriting('GenerateScene for a new scene', open => {
  it('adds one at the end of the chapter, once however often it is tried', async () => {
    await using w = await open({ models: large })
    const novelId = await w.novel(2)
    const [chapter] = (await w.library.shelf.chapters(ann, { novelId }, { pageSize: 1 })).items
    const chapterId = chapter?.id ?? ''
    w.server.script.add({ answer: { is: 'empty' }, times: 2 })
    const asked = { novelId, chapterId, title: 'The letter', summary }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.advance('2m')
    const { sceneId } = await task.result()
    const { sceneIds } = await w.library.shelf.chapter(ann, chapterId)
    expect(sceneIds).toEqual([...(chapter?.sceneIds ?? []), sceneId])
    expect(await w.scene(sceneId)).toMatchObject({
      title: 'The letter',
      content: w.server.ledger.calls[2]?.text,
      summary: { text: summary, method: 'person' },
      summaryOutOfDate: false,
    })
    const [, second = ''] = chapter?.sceneIds ?? []
    expect(w.server.ledger.calls[0]?.prompt).toContain((await w.scene(second)).content)
  })

  it('adds one to another chapter where a person retries the task with that', async () => {
    await using w = await open({ models: large })
    const novelId = await w.novel(2)
    const { items } = await w.library.shelf.chapters(ann, { novelId }, { pageSize: 2 })
    const [chapterId = '', other = ''] = items.map(({ id }) => id)
    w.server.script.add({ answer: { is: 'refused' }, times: 1 })
    const asked = { novelId, chapterId, summary }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    expect((await task.state()).status).toBe('FAILED')
    await w.t.tasks.retry(task.taskId, { parameters: { ...asked, chapterId: other } })
    await w.t.drain()
    const { sceneId } = await task.result()
    expect((await w.library.shelf.chapter(ann, other)).sceneIds.at(-1)).toBe(sceneId)
    expect((await w.scene(sceneId)).content).toBe(w.server.ledger.calls[1]?.text)
  })

  it('writes Chinese for a Chinese novel, with the Chinese prompt', async () => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await sceneOf(w, chineseBook)
    const task = await w.t.submit(generateScene, { novelId, sceneId, tone: '冷静' }, { userId: ann })
    await w.t.drain()
    const { prompt } = await task.result()
    expect(prompt).toMatchObject({ language: 'zh' })
    const [call] = w.server.ledger.calls
    expect(call?.prompt).toMatch(/篇幅：约1500字。\n- 语气：冷静/)
    expect((await w.scene(sceneId)).content).toBe(call?.text)
  })

  it.each([
    ['Korean with a space', koreanBook, '그는 다리 위에서 멈', '멈추었다.', '그는 다리 위에서 멈추었다.'],
    ['Chinese without one', chineseBook, '他在桥上停', '住了。', '他在桥上停住了。'],
  ])('goes on with %s', async (_name, book, begun, rest, whole) => {
    await using w = await open({ models: large })
    const { novelId, sceneId } = await sceneOf(w, book)
    w.server.script.add(
      { answer: { is: 'truncated', text: begun }, times: 1 },
      { answer: { is: 'text', text: rest }, times: 1 },
    )
    const asked = { novelId, sceneId, length: { characters: 20 } }
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    await task.result()
    expect((await w.scene(sceneId)).content).toBe(whole)
    expect(await outputOf(w, task.taskId)).toBe(whole)
  })
})

async function listed(w: Writing, sceneId: string) {
  return (await w.library.candidates.candidates(ann, { sceneId }, { pageSize: 10 })).items
}

/** Has a scene written. Returns its candidates, the newest first. */
async function candidatesOf(w: Writing, asked: In<typeof generateScene.parameters> & { sceneId: string }) {
  const task = await w.t.submit(generateScene, asked, { userId: ann })
  await w.t.drain()
  await task.result()
  return listed(w, asked.sceneId)
}

interface SceneOptions {
  content?: string
  summary?: string
}

/** A novel whose third scene has a summary and no text. */
async function emptyScene(w: Writing, { content = '', summary: own = summary }: SceneOptions = {}) {
  const novelId = await w.novel(2)
  const [, second, third] = await w.scenes(novelId)
  const sceneId = third?.id ?? ''
  await edit(w, sceneId, { content, ...(own === '' ? {} : { summary: own }) })
  return { novelId, sceneId, before: second?.content ?? '' }
}

const chineseBook = {
  text: '第一回 石桥\n\n天还没有亮，老磨坊主提着灯笼走过石桥。\n\n第二回 信\n\n河水渐渐平静。\n',
  summary: '老磨坊主在桥下发现了信。',
}
const koreanBook = {
  text: 'Chapter 1\n\n늙은 방앗간 주인은 등불을 들고 돌다리를 건넜다.\n\nChapter 2\n\n강물은 점점 잔잔해졌다.\n',
  summary: '방앗간 주인이 다리 아래에서 편지를 발견한다.',
}

/** The second scene of a novel, with a summary and no text. */
async function sceneOf(w: Writing, { text, summary: own }: { text: string; summary: string }) {
  async function* content() {
    yield Buffer.from(text)
  }
  const { id } = await storeUpload(w.services, { userId: ann, fileName: 'book.txt', content: content() })
  const task = await w.t.submit(importNovel, { uploadId: id, summarise: false }, { userId: ann })
  await w.t.drain()
  const { novelId } = await task.result()
  const sceneId = (await w.scenes(novelId))[1]?.id ?? ''
  await edit(w, sceneId, { content: '', summary: own })
  return { novelId, sceneId }
}

async function edit(w: Writing, sceneId: string, change: Partial<SceneEdit>) {
  const { version } = await w.scene(sceneId)
  const written = await w.library.scenes.editScene(ann, { sceneId, expectedVersion: version, ...change })
  expect(written.outcome).toBe('applied')
}

/** The whole output that a follower has read in the end. */
async function outputOf(w: Writing, taskId: string): Promise<string> {
  let text = ''
  for await (const event of w.t.tasks.followOutput(taskId)) {
    if (event.kind === 'reset') text = ''
    if (event.kind === 'text') text += event.text
  }
  return text
}

/** Submits a scene; `during` does something while the model is being asked, and then lets it come to its end. */
async function whileAsked(
  w: Writing,
  parameters: { novelId: string; sceneId: string },
  answer: Answer = { is: 'text', firstMs: 400 },
) {
  w.server.script.add({ answer, times: 1 })
  const task = await w.t.submit(generateScene, parameters, { userId: ann })
  const draining = w.t.drain()
  await expect.poll(() => w.server.ledger.calls).toHaveLength(1)
  const during = async (act: () => Promise<unknown>) => {
    await act()
    await draining
    await w.t.drain()
  }
  return { task, during }
}
