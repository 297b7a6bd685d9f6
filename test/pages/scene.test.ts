import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describePages, open, type PageProcess } from './kit/kit.ts'
import { proseOf, type SceneServer, startSceneProcess } from './scene-server.ts'

/** Comes as far as the second sentence, and waits for the test to have looked at it. */
const held = { is: 'text', heldAt: [12] } as const

describePages('writing a scene', () => {
  let it: SceneServer<PageProcess>
  beforeAll(async () => {
    it = await startSceneProcess()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())
  beforeEach(() => it.model.script.clear())

  const write = (page: Page, name = 'Write the scene') =>
    page.getByRole('button', { name, exact: true }).click()
  const growing = (page: Page) => page.locator('[data-growing]')
  const text = (page: Page) => page.locator('[data-scene-text]')

  /** The writings of a scene, newest first. */
  async function tasksOf(sceneId: string): Promise<{ id: string; parameters: object }[]> {
    const { items } = await it.server.ask<{ items: { id: string }[] }>(
      `/v1/tasks?taskType=GenerateScene&tag=scene:${sceneId}`,
    )
    return Promise.all(
      items.map(({ id }) => it.server.ask<{ id: string; parameters: object }>(`/v1/tasks/${id}`)),
    )
  }

  test('says what it costs before, grows on the page, and says how the text came about', async () => {
    const sceneId = await it.addScene('At night')
    it.model.script.add({ answer: { ...held, text: proseOf(6) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.getByText(/About \$0\.\d+ at most, for 1 call of writer/).waitFor()
    await write(page)
    await growing(page).waitFor()
    const early = (await growing(page).textContent()) ?? ''
    expect(proseOf(6).startsWith(early.trim())).toBe(true)
    expect(early.length).toBeLessThan(proseOf(6).length)
    it.model.script.release()
    await text(page).waitFor()
    expect(await text(page).textContent()).toBe(proseOf(6))
    await page
      .getByText(/^Written by writer/)
      .first()
      .waitFor()
    expect(await it.scene(sceneId)).toMatchObject({ textOrigin: { method: 'generative', model: 'writer' } })
  })

  test('that a batch writes grows on its page as well, and is not offered again', async () => {
    const sceneId = await it.addScene('The batch')
    it.model.script.add({ answer: { ...held, text: proseOf(40) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const offer = page.getByRole('button', { name: 'Write the scene', exact: true })
    await offer.waitFor()
    const parameters = { novelId: it.novelId }
    await it.server.post('/v1/tasks', { taskType: 'BatchGenerateScene', parameters })
    await growing(page).getByText('Sentence 2').waitFor()
    expect(await offer.count()).toBe(0)
    it.model.script.release()
    await text(page).waitFor()
    expect(await text(page).textContent()).toBe(proseOf(40))
  })

  test('goes on while no page is open, and is found again in another browser', async () => {
    const sceneId = await it.addScene('Two doors')
    it.model.script.add({ answer: { ...held, heldAt: [12, 24], text: proseOf(60) } })
    let seen = ''
    {
      await using first = await open(it.pageOf(sceneId))
      await write(first.page)
      await growing(first.page).getByText('Sentence 2').waitFor()
      seen = (await growing(first.page).textContent()) ?? ''
    }
    it.model.script.release()
    await using second = await open(it.pageOf(sceneId), { language: 'zh' })
    await second.page.getByRole('heading', { name: '正在写' }).waitFor()
    await growing(second.page).getByText('Sentence 3').waitFor()
    expect((await growing(second.page).textContent())?.startsWith(seen)).toBe(true)
    it.model.script.release()
    await text(second.page).waitFor()
    expect(await text(second.page).textContent()).toBe(proseOf(60))
  })

  test('goes on after the server was killed under the open page', async () => {
    const sceneId = await it.addScene('The sluice')
    it.model.script.add({ answer: { ...held, text: proseOf(61) }, times: 1 }, { answer: held, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).getByText('Sentence 2').waitFor()
    await it.server.kill()
    await it.server.startAgain()
    await page.getByText('This is attempt 2.').waitFor()
    // The page may tell of the attempt before its model has come to where it waits.
    const goesOn = async () => {
      it.model.script.release()
      return await text(page).count()
    }
    await expect.poll(goesOn, { timeout: 60_000 }).toBe(1)
    // The words of the attempt that was lost are kept, and the rest follows them.
    expect(await text(page).textContent()).toBe(proseOf(61))
  })

  test('waits for its budget, says what the next call needs, and goes on when it is raised', async () => {
    const sceneId = await it.addScene('The reply')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.getByRole('button', { name: 'Length, style, model, budget' }).click()
    const bound = page.getByLabel('Spend at most (USD)')
    // By the key: what is half typed stays. A digit that is taken back leaves the point before it.
    await bound.pressSequentially('0.5')
    await bound.press('Backspace')
    await bound.pressSequentially('0010')
    expect(await bound.inputValue()).toBe('0.0010')
    await write(page)
    await page.getByText(/^Spent \$0\.00 of \$0\.001; the next call needs up to \$0\.\d+\.$/).waitFor()
    // It is there when the page is opened again, too.
    await page.reload()
    const raised = page.getByLabel('New budget (USD)')
    await raised.fill('')
    await raised.pressSequentially('0.50')
    await page.getByRole('button', { name: 'Raise and go on' }).click()
    await text(page).waitFor()
    expect((await it.scene(sceneId)).content).not.toBe('')
    const [task] = await tasksOf(sceneId)
    const { budget } = await it.server.ask<{ budget: unknown }>(`/v1/tasks/${task?.id}/budget`)
    expect(budget).toEqual({ cost: 0.5 })
  })

  test('waits for the time that the provider named', async () => {
    const sceneId = await it.addScene('The tide')
    it.model.script.add({ answer: { is: 'rate-limited', retryAfter: 5 }, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    await write(opened.page)
    await opened.page.getByText('Waits for the rate limit of the model').waitFor()
    await text(opened.page).waitFor()
  })

  test('fails in words for authors, keeps what came, and can be tried again', async () => {
    const sceneId = await it.addScene('The refusal')
    it.model.script.add({ answer: { is: 'filtered', text: proseOf(2) }, times: 1 })
    await using opened = await open(it.pageOf(sceneId), { language: 'zh' })
    const { page } = opened
    await write(page, '开始写')
    await page.getByText('没能写完这个场景').waitFor()
    await page.getByText('MODEL_ANSWER_FILTERED').waitFor()
    await page.locator('[data-came]').waitFor()
    await page.getByRole('button', { name: '重试' }).click()
    await text(page).waitFor()
  })

  test('is written by the summary that is there, and by instructions that outlast a failure', async () => {
    const sceneId = await it.addScene('The instructions')
    it.model.script.add({ answer: { is: 'filtered', text: proseOf(2) }, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const what = page.getByLabel('What is to happen')
    await page.getByLabel('Instructions').fill('She is alone.')
    await page.getByRole('button', { name: 'Length, style, model, budget' }).click()
    await page.getByLabel('Style').fill('Short sentences.')
    const summary = page.locator('[data-summary]')
    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox').fill('Berit burns the ledger.')
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('Berit burns the ledger.').waitFor()
    await expect.poll(() => what.inputValue()).toBe('Berit burns the ledger.')
    await write(page)
    await page.getByText('The scene could not be written').waitFor()
    expect(await page.getByLabel('Instructions').inputValue()).toBe('She is alone.')
    expect(await page.getByLabel('Style').inputValue()).toBe('Short sentences.')
    expect(await what.inputValue()).toBe('Berit burns the ledger.')
    const [task] = await tasksOf(sceneId)
    expect(task?.parameters).toMatchObject({ instructions: 'She is alone.', style: 'Short sentences.' })
    expect(task?.parameters).not.toHaveProperty('summary')
  })

  test('asks before what is typed for it is left, and no more once a task has it', async () => {
    const sceneId = await it.addScene('Typed')
    it.model.script.add({ answer: { ...held, text: proseOf(63) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const instructions = page.getByLabel('Instructions')
    await instructions.fill('She is alone.')
    await page.getByRole('link', { name: 'Previous' }).click()
    const question = page.getByRole('dialog', { name: 'Leave without saving?' })
    await question.getByRole('button', { name: 'Back' }).click()
    expect(await instructions.inputValue()).toBe('She is alone.')

    // Another try, which keeps nothing as the summary, fails for a reason of its own.
    await page.getByLabel('What is to happen').fill('Berit sells the ledger.')
    const keeps = page.getByLabel('Also keep this as the summary of the scene')
    await keeps.check()
    await page.route(`**/v1/scenes/${sceneId}`, route => route.fulfill({ status: 503 }))
    await write(page)
    const form = page.locator('[data-write]')
    await form.getByText('The answer could not be understood.').waitFor()
    await keeps.uncheck()
    await page.route('**/v1/tasks', route => route.abort())
    await write(page)
    await form.getByText('The server does not answer.').waitFor()
    await page.unrouteAll()

    await write(page)
    await growing(page).waitFor()
    await page.getByRole('link', { name: 'Previous' }).click()
    await page.waitForURL(address => address.href !== it.pageOf(sceneId))
    it.model.script.release()
  })

  test('overwrites no summary that came while what is to happen was typed', async () => {
    const sceneId = await it.addScene('The other hand')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.getByLabel('What is to happen').fill('Berit sells the ledger.')
    await page.getByLabel('Also keep this as the summary of the scene').check()
    await it.edit(sceneId, { summary: 'Berit hides the ledger.' })
    await write(page)
    const form = page.locator('[data-write]')
    await form.getByText('The scene changed while you wrote').first().waitFor()
    await form.getByText('Berit hides the ledger.').waitFor()
    expect((await it.scene(sceneId)).summary?.text).toBe('Berit hides the ledger.')
    expect(await tasksOf(sceneId)).toEqual([])
    await form.getByRole('button', { name: 'Keep mine' }).click()
    // Another text says nothing about what is to happen.
    await it.edit(sceneId, { content: 'A line.' })
    await write(page)
    await page
      .getByText(/^Written by writer/)
      .first()
      .waitFor()
    expect((await it.scene(sceneId)).summary?.text).toBe('Berit sells the ledger.')
  })

  test('is stopped by the person, who keeps what came', async () => {
    const sceneId = await it.addScene('Stopped')
    it.model.script.add({ answer: { ...held, text: proseOf(62) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).getByText('Sentence 2').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByText('The writing was stopped.').waitFor()
    await page.locator('[data-came]').getByText('Sentence 2').waitFor()
    expect((await it.scene(sceneId)).content).toBe('')
  })

  test('lets an edit win; what was written stands beside it, and is taken by the person', async () => {
    const sceneId = await it.addScene('Both')
    it.model.script.add({ answer: { ...held, text: proseOf(41) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).waitFor()
    await it.edit(sceneId, { content: 'My own words.' })
    it.model.script.release()
    await page.getByRole('heading', { name: 'A candidate' }).waitFor()
    await text(page).getByText('My own words.').waitFor()
    expect(await page.locator('[data-candidate-text]').textContent()).toBe(proseOf(41))
    await page.getByRole('button', { name: 'Take it in place of the text' }).click()
    await text(page).getByText('Sentence 41').waitFor()
    await expect.poll(() => page.locator('[data-candidates]').count()).toBe(0)
    expect((await it.scene(sceneId)).content).toBe(proseOf(41))
  })

  test('is proposed beside a text, compared, taken by the paragraph, asked for again and discarded', async () => {
    const sceneId = await it.addScene('By paragraph')
    await it.edit(sceneId, { content: 'One was mine.\n\nTwo was mine.\n\nThree stays.' })
    const made = ['One is new.\n\nTwo is new.\n\nThree stays.', 'Another try.']
    for (const each of made) it.model.script.add({ answer: { is: 'text', text: each }, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page, 'Write the scene again')
    await page.getByRole('heading', { name: 'A candidate' }).waitFor()
    await page.getByText(/^Fault: its length is 0\.\d+ times the one that you asked for/).waitFor()
    expect(await text(page).textContent()).toContain('One was mine.')

    const again = page.getByRole('button', { name: 'Try again with other instructions' })
    await again.click()
    const form = page.locator('[data-write]')
    await form.getByText('in place of a candidate').waitFor()
    await page.getByLabel('Instructions').fill('Shorter.')
    await write(page, 'Write the scene again')
    await page.getByRole('heading', { name: '2 candidates' }).waitFor()
    const [newest] = await tasksOf(sceneId)
    expect(newest?.parameters).toMatchObject({ instructions: 'Shorter.', insteadOf: expect.any(String) })
    await expect.poll(() => form.getByText('in place of a candidate').count()).toBe(0)
    const cards = page.locator('[data-candidate]')
    await cards.first().getByText('another try', { exact: true }).waitFor()
    await again.click()
    await form.getByText('in place of a candidate').waitFor()
    await cards.first().getByRole('button', { name: 'Discard' }).click()
    await page.getByRole('heading', { name: 'A candidate' }).waitFor()
    // Nothing can be asked for in place of one that is gone.
    await expect.poll(() => form.getByText('in place of a candidate').count()).toBe(0)
    expect(new URL(page.url()).search).toBe('')

    const card = cards.first()
    await card.getByText('Compared with the text').click()
    await card.locator('[data-diff] ins').first().waitFor()
    await card.getByText('By paragraph').click()
    const passages = card.locator('[data-passage]')
    await passages.first().waitFor()
    await expect.poll(() => passages.count()).toBe(2)
    expect(await card.getByRole('button', { name: 'Choose a paragraph' }).isDisabled()).toBe(true)
    await passages.nth(1).getByLabel('Take this paragraph').check()
    await card.getByRole('button', { name: 'Take 1 paragraph' }).click()
    const merged = 'One was mine.\n\nTwo is new.\n\nThree stays.'
    await expect.poll(() => text(page).textContent()).toBe(merged)
    await page.getByText('Merged by you with the text before it').waitFor()
    expect((await it.scene(sceneId)).content).toBe(merged)
  })

  test('is written from a prompt that is seen before it is paid, with an entry pinned, and kept with the candidate', async () => {
    const sceneId = await it.addScene('Seen before', 'Berit opens the ledger.')
    const codex = `/v1/novels/${it.novelId}/codex`
    await it.server.post(codex, { kind: 'person', name: 'Berit', text: 'She can add.' })
    await it.server.post(codex, { kind: 'thing', name: 'Bell', text: 'It never rings.' })
    await using opened = await open(it.pageOf(sceneId), { language: 'zh' })
    const { page } = opened
    await page.getByRole('button', { name: '模型会看到什么' }).click()
    const preview = page.locator('[data-preview]')
    const entries = preview.locator('[data-block="codex"]')
    await entries.locator('[data-in="Berit"]').getByText('提到 1 次').waitFor()
    await preview.locator('[data-expected="1"]').getByText('writer').waitFor()
    await preview.locator('[data-block="textBefore"]').getByText('前文').waitFor()
    await entries.locator('[data-out="Bell"]').getByRole('button', { name: '固定到这个场景 Bell' }).click()
    await entries.locator('[data-in="Bell"]').getByText('固定到这个场景').waitFor()
    // Somebody else changed the scene meanwhile.
    await it.edit(sceneId, { title: 'Seen by two' })
    await entries.locator('[data-in="Berit"]').getByRole('button', { name: '不用于这个场景 Berit' }).click()
    await entries.locator('[data-out="Berit"]').getByText('您选择不用于这个场景').waitFor()
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters: { novelId: it.novelId, sceneId, accept: 'by-author', length: { words: 60 } },
    })
    await it.server.ended(id)
    const call = it.model.ledger.calls.at(-1)
    expect(call?.prompt).toContain('Bell (thing): It never rings.')
    expect(call?.prompt).not.toContain('She can add.')
    await page.reload()
    const card = page.locator('[data-candidate]')
    await card.getByRole('button', { name: '模型看到了什么' }).click()
    await card.locator('[data-in="Bell"]').getByText('固定到这个场景').waitFor()
  })

  test('is waited for by its task, which goes on when the person has taken it', async () => {
    const sceneId = await it.addScene('Awaited')
    const parameters = { novelId: it.novelId, sceneId, accept: 'by-author', awaitAuthor: true }
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters,
    })
    await using opened = await open(`${it.server.url}/tasks/${id}`)
    const { page } = opened
    await page.getByText('It waits for you').waitFor()
    await page.getByRole('link', { name: 'Open the scene' }).click()
    await page.getByText('The task waits for you').waitFor()
    const take = page.getByRole('button', { name: 'Take it', exact: true })
    await take.waitFor()
    expect(await page.getByRole('button', { name: 'Try again with other instructions' }).count()).toBe(0)
    await take.click()
    await it.server.ended(id)
    expect((await it.scene(sceneId)).content).not.toBe('')
    const { result } = await it.server.ask<{ result: object }>(`/v1/tasks/${id}`)
    expect(result).toMatchObject({ accepted: true, candidates: [{ status: 'accepted' }] })
  })

  test('is one of the planned scenes that are written in story order, from the page of the novel', async () => {
    await it.addScene('Planned')
    it.model.script.add({ answer: { ...held, text: proseOf(41) } })
    await using opened = await open(`${it.server.url}/novels/${it.novelId}`)
    const { page } = opened
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Write the planned scenes' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('status').getByText('About').waitFor()
    await dialog.getByRole('combobox', { name: 'What becomes of the texts' }).click()
    await page.getByRole('option', { name: /I read each one first/ }).click()
    await dialog.getByRole('button', { name: 'Write them' }).click()
    await page.waitForURL(/\/tasks\//)
    const id = page.url().split('/').at(-1) ?? ''
    const task = await it.server.ask<{ taskType: string; parameters: object }>(`/v1/tasks/${id}`)
    expect(task).toMatchObject({
      taskType: 'BatchGenerateScene',
      parameters: { novelId: it.novelId, accept: 'by-author' },
    })
    await it.server.post(`/v1/tasks/${id}:cancel`)
    it.model.script.release()
    await it.server.ended(id)
  })

  test('is undone from the page of its task, with what the scene had before', async () => {
    const sceneId = await it.addScene('Undone')
    await it.edit(sceneId, { content: 'My own words.' })
    const inItsPlace = 'The letter lay dry beneath the stone, and nobody had turned the page.'
    it.model.script.add({ answer: { is: 'text', text: inItsPlace }, times: 1 })
    const parameters = { novelId: it.novelId, sceneId, accept: 'automatically', length: { words: 20 } }
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters,
    })
    await it.server.ended(id)
    expect((await it.scene(sceneId)).content).toBe(inItsPlace)
    await using opened = await open(`${it.server.url}/tasks/${id}`)
    const { page } = opened
    await page.getByRole('button', { name: 'Undo its texts' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Undo the texts' }).click()
    await page.getByText('1 scene as before; none changed since').waitFor()
    expect((await it.scene(sceneId)).content).toBe('My own words.')
  })

  test('is written several times at once, for the person to choose, on a narrow screen in Chinese', async () => {
    const sceneId = await it.addScene('Three times')
    for (const sentences of [41, 45])
      it.model.script.add({ answer: { is: 'text', text: proseOf(sentences) }, times: 1 })
    const view = { language: 'zh', width: 360, height: 740 } as const
    await using opened = await open(it.pageOf(sceneId), view)
    const { page } = opened
    await page.getByRole('button', { name: '篇幅、文风、模型、预算' }).click()
    await page.getByLabel('写几份供选择').fill('2')
    await write(page, '开始写')
    await page.getByRole('heading', { name: '2 份候选' }).waitFor()
    expect((await it.scene(sceneId)).content).toBe('')
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide).toBeLessThanOrEqual(360)
    await page.getByRole('button', { name: '采用', exact: true }).first().click()
    await expect.poll(() => text(page).textContent()).toBe(proseOf(45))
    await page.getByRole('heading', { name: '1 份候选' }).waitFor()
  })

  test('asks for the text where there is no place for another stream', async () => {
    const sceneId = await it.addScene('Crowded')
    it.model.script.add({ answer: { ...held, text: proseOf(63) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    const { limits } = await it.server.ask<{ limits: { streamsPerClient: number } }>('/v1/capabilities')
    // One is the page's own.
    const taken = await Promise.all(
      Array.from({ length: limits.streamsPerClient - 1 }, () => fetch(`${it.server.url}/v1/events`)),
    )
    expect(taken.map(({ status }) => status)).toEqual(taken.map(() => 200))
    const refused = page.waitForResponse(
      answer => answer.url().endsWith('/output') && answer.status() === 429,
    )
    await write(page)
    await refused
    await growing(page).getByText('Sentence 2').waitFor()
    await Promise.all(taken.map(stream => stream.body?.cancel()))
    it.model.script.release()
    await text(page).waitFor()
    expect(await text(page).textContent()).toBe(proseOf(63))
  })
})
