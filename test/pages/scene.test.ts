import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describePages, open } from './kit/kit.ts'
import { proseOf, type SceneServer, startSceneServer } from './scene-server.ts'

/** Comes as far as the second sentence, and waits for the test to have looked at it. */
const held = { is: 'text', heldAt: [12] } as const

describePages('writing a scene', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())
  beforeEach(() => it.model.script.clear())

  const write = (page: Page, name = 'Write the scene') =>
    page.getByRole('button', { name, exact: true }).click()
  const growing = (page: Page) => page.locator('[data-growing]')
  const text = (page: Page) => page.locator('[data-scene-text]')

  /** The writings of a scene, newest first. */
  async function tasksOf(sceneId: string): Promise<{ parameters: object }[]> {
    const { items } = await it.server.ask<{ items: { id: string }[] }>(
      `/v1/tasks?taskType=GenerateScene&tag=scene:${sceneId}`,
    )
    return Promise.all(items.map(({ id }) => it.server.ask<{ parameters: object }>(`/v1/tasks/${id}`)))
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
    it.model.script.add({ answer: { ...held, text: proseOf(60) }, times: 1 }, { answer: held, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).getByText('Sentence 2').waitFor()
    await it.server.kill()
    await it.server.startAgain()
    await page.getByText('This is attempt 2.').waitFor({ timeout: 60_000 })
    it.model.script.release()
    await text(page).waitFor({ timeout: 60_000 })
    // The words of the attempt that was lost are kept, and the rest follows them.
    expect(await text(page).textContent()).toBe(proseOf(60))
  })

  test('waits for its budget, says what the next call needs, and goes on when it is raised', async () => {
    const sceneId = await it.addScene('The reply')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.getByRole('button', { name: 'Length, style, model, budget' }).click()
    await page.getByLabel('Spend at most (USD)').fill('0.001')
    await write(page)
    await page.getByText(/^Spent \$0\.00 of \$0\.001; the next call needs up to \$0\.\d+\.$/).waitFor()
    // It is there when the page is opened again, too.
    await page.reload()
    await page.getByRole('button', { name: 'Raise and go on' }).click()
    await text(page).waitFor()
    expect((await it.scene(sceneId)).content).not.toBe('')
  })

  test('waits for the time that the provider named', async () => {
    const sceneId = await it.addScene('The tide')
    it.model.script.add({ answer: { is: 'rate-limited', retryAfter: 5 }, times: 1 })
    await using opened = await open(it.pageOf(sceneId))
    await write(opened.page)
    await opened.page.getByText('Waits for the rate limit of the model').waitFor()
    await text(opened.page).waitFor({ timeout: 40_000 })
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
    it.model.script.add({ answer: { ...held, text: proseOf(60) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).getByText('Sentence 2').waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByText('The writing was stopped.').waitFor()
    await page.locator('[data-came]').getByText('Sentence 2').waitFor()
    expect((await it.scene(sceneId)).content).toBe('')
  })

  test('lets an edit win, and keeps both texts', async () => {
    const sceneId = await it.addScene('Both')
    it.model.script.add({ answer: { ...held, text: proseOf(40) } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await write(page)
    await growing(page).waitFor()
    await it.edit(sceneId, { content: 'My own words.' })
    it.model.script.release()
    await page.getByText('Your text stayed').waitFor()
    expect(await text(page).textContent()).toBe('My own words.')
    await page.getByRole('link', { name: 'Read what was written' }).click()
    expect(await page.locator('[data-entry-text]').textContent()).toBe(proseOf(40))
    await page.getByRole('button', { name: 'Put back' }).click()
    await page.getByRole('tab', { name: 'Text' }).click()
    await page.getByText('Put back from the history').waitFor()
    expect(await text(page).textContent()).toBe(proseOf(40))
  })

  test('asks for the text where there is no place for another stream', async () => {
    const sceneId = await it.addScene('Crowded')
    it.model.script.add({ answer: { ...held, text: proseOf(60) } })
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
    expect(await text(page).textContent()).toBe(proseOf(60))
  })
})
