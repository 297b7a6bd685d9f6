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
    await chapter.waitFor({ timeout: 30_000 })
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
})
