import { afterAll, beforeAll, expect, test } from 'vitest'
import { outlineOf, scriptOutlines } from '../models/outlines.ts'
import { describePages, open, untilFocused } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

describePages('a story that goes on', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer({ contextTokens: 16_000, maxOutputTokens: 4_000 })
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  const titles = async () => {
    const { outline } = await it.server.ask<{ outline: { chapters: { title: string }[] }[] }>(
      `/v1/novels/${it.novelId}`,
    )
    return outline.flatMap(({ chapters }) => chapters.map(({ title }) => title))
  }

  test('is planned, changed and approved where it stands, and written chapter by chapter', async () => {
    scriptOutlines(it.model, outlineOf(1), outlineOf(2))
    await using opened = await open(`${it.server.url}/novels/${it.novelId}`)
    const { page } = opened
    const menu = page.getByRole('button', { name: 'What else can be done' })
    const dialog = page.getByRole('dialog', { name: 'Continue the story' })
    const openDialog = async () => {
      await menu.click()
      await page.getByRole('menuitem', { name: 'Continue the story' }).click()
      await dialog.getByLabel('Chapters', { exact: true }).waitFor()
    }
    await openDialog()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await untilFocused(menu)
    await openDialog()
    await dialog.getByLabel('Chapters', { exact: true }).fill('2')
    await dialog.getByLabel('What is to happen in these chapters').fill('Berit leaves.')
    await page.keyboard.press('Escape')
    await page
      .getByRole('dialog', { name: 'Leave without saving?' })
      .getByRole('button', { name: 'Back' })
      .click()
    await dialog.getByLabel('Length in words').fill('60')
    await dialog.getByRole('combobox', { name: 'What becomes of the texts' }).click()
    await page.getByRole('option', { name: /I read each chapter/ }).click()
    await dialog.getByRole('status').getByText('About').waitFor()
    await dialog.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.waitForURL(/\/tasks\//)
    const id = page.url().split('/').at(-1) ?? ''
    expect(await it.server.ask(`/v1/tasks/${id}`)).toMatchObject({
      taskType: 'ContinueWriting',
      parameters: { chapters: 2, outlineInstructions: 'Berit leaves.', awaitAuthor: 'chapter' },
    })
    await page.goto(`${it.server.url}/novels/${it.novelId}`)
    const plan = page.getByRole('region', { name: 'The plan of the next chapters waits for you' })
    const first = plan.getByRole('form', { name: 'Planned chapter 1' })
    await first.getByLabel('What happens in scene 1').fill('Berit leaves the weighing house before dawn.')
    await first.getByLabel('Planned chapter 1').fill('Away')
    await first.getByRole('button', { name: 'Approve' }).press('Enter')
    await first.getByText('Approved').waitFor()
    expect(await titles()).toHaveLength(2)
    await plan
      .getByRole('form', { name: 'Planned chapter 2' })
      .getByRole('button', { name: 'Reject' })
      .click()
    const chapter = page.getByRole('region', { name: '“Away” is written and waits for you' })
    await chapter.waitFor()
    expect(await titles()).toHaveLength(3)
    await chapter.getByRole('button', { name: 'Go on' }).click()
    await it.server.ended(id)
    expect(await it.server.ask(`/v1/tasks/${id}`)).toMatchObject({
      result: { total: 1, written: 1, rejected: 1, scenes: { success: 2 } },
    })
    await chapter.waitFor({ state: 'detached' })
  })

  test('is approved as a whole, on a narrow screen in Chinese; the page of the task leads there', async () => {
    it.model.script.clear()
    scriptOutlines(it.model, outlineOf(3), outlineOf(4))
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateNextSummaries',
      parameters: { novelId: it.novelId, chapters: 2 },
    })
    await using opened = await open(`${it.server.url}/tasks/${id}`, {
      language: 'zh',
      width: 360,
      height: 740,
    })
    const { page } = opened
    await page.getByRole('link', { name: '打开小说' }).click()
    await page.getByRole('button', { name: '批准其余 2 章' }).waitFor()
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide).toBeLessThanOrEqual(360)
    const before = (await titles()).length
    await page.getByRole('button', { name: '批准其余 2 章' }).click()
    await it.server.ended(id)
    expect(await titles()).toHaveLength(before + 2)
    await page.getByText('The road 4').first().waitFor()
  })

  /** Has two chapters planned. Returns the id of the task. */
  const plan = async (first: number) => {
    it.model.script.clear()
    scriptOutlines(it.model, outlineOf(first), outlineOf(first + 1))
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateNextSummaries',
      parameters: { novelId: it.novelId, chapters: 2 },
    })
    return id
  }

  test('keeps what is typed in one chapter while another one is approved, and is not left unasked', async () => {
    const id = await plan(5)
    await using opened = await open(`${it.server.url}/novels/${it.novelId}`)
    const { page } = opened
    const chapter = (number: number) => page.getByRole('form', { name: `Planned chapter ${number}` })
    const title = chapter(2).getByLabel('Planned chapter 2')
    await title.fill('Home again')
    // Whenever the page asks meanwhile, the task is at work.
    const states: string[] = []
    await page.route(/\/v1\/tasks\?.*GenerateNextSummaries/, async route => {
      const answer = await route.fetch()
      const list = (await answer.json()) as { items: { status: string; progress: object }[] }
      for (const task of list.items)
        if (states.length === 0) Object.assign(task, { status: 'RUNNING', progress: { outlines: [] } })
      states.push(...list.items.map(({ status }) => status))
      await route.fulfill({ response: answer, json: list })
    })
    await chapter(1).getByRole('button', { name: 'Approve' }).click()
    await expect.poll(() => states).toContain('RUNNING')
    await chapter(1).getByText('Approved').waitFor()
    expect(await title.inputValue()).toBe('Home again')
    await page.getByRole('link', { name: 'Tasks' }).click()
    const question = page.getByRole('dialog', { name: 'Leave without saving?' })
    await question.getByRole('button', { name: 'Back' }).click()
    await chapter(2).getByRole('button', { name: 'Approve' }).click()
    await it.server.ended(id)
    expect((await titles()).slice(-2)).toEqual(['The road 5', 'Home again'])
  })

  test('approves each chapter once where an answer got lost', async () => {
    const id = await plan(7)
    await using opened = await open(`${it.server.url}/novels/${it.novelId}`)
    const { page } = opened
    const sent: (string | undefined)[] = []
    // The first request is answered, the second one is not; the task has got neither.
    await page.route('**/v1/tasks/*:signal', async route => {
      sent.push(route.request().headers()['idempotency-key'])
      if (sent.length === 2) return route.abort('connectionreset')
      if (sent.length > 1) return route.continue()
      return route.fulfill({ json: await it.server.ask<object>(`/v1/tasks/${id}`) })
    })
    const approve = page.getByRole('button', { name: 'Approve all 2 that are left' })
    await approve.click()
    await page.locator('.mantine-Notification-root').waitFor()
    await approve.click()
    await it.server.ended(id)
    const [first, second] = sent
    expect(sent).toEqual([first, second, first, second])
    expect(second).not.toBe(first)
  })
})
