import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { describePages, open } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

const before = 'Berit read the ledger alone.\n\n'
const passage = 'The lamp burned low, and the salt on the sill had gone grey in its light.'
const after = '\n\nOutside, nobody came along the quay before the morning bell.'
const answer = 'The lamp had nearly burned out; in what it gave, the salt along the sill lay grey.'

describePages('working on a passage of a scene', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())
  beforeEach(() => it.model.script.clear())

  const article = (page: Page) => page.locator('[data-scene-text]')
  const tools = (page: Page) => page.locator('[data-rewrite]')
  const candidate = (page: Page) => page.locator('[data-candidate]')

  async function written(title: string): Promise<string> {
    const sceneId = await it.addScene(title)
    await it.edit(sceneId, { content: before + passage + after })
    return sceneId
  }

  /** Selects the passage as a person does with a pointer. */
  async function select(page: Page): Promise<void> {
    await article(page).waitFor()
    await page.evaluate(
      ([start = 0, end = 0]) => {
        const text = document.querySelector('[data-scene-text]')?.firstChild
        const range = document.createRange()
        if (text === null || text === undefined) return
        range.setStart(text, start)
        range.setEnd(text, end)
        document.getSelection()?.removeAllRanges()
        document.getSelection()?.addRange(range)
      },
      [before.length, before.length + passage.length],
    )
  }

  test('selected in the reading view is rewritten beside the text, which is taken with all else as it was', async () => {
    const sceneId = await written('The lamp')
    it.model.script.add({ answer: { is: 'text', text: answer } })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await tools(page).getByText('Select a passage of the text').waitFor()
    expect(await tools(page).getByRole('button', { name: 'Rewrite' }).isDisabled()).toBe(true)
    await select(page)
    await tools(page).getByRole('button', { name: 'Rewrite' }).click()
    const dialog = page.getByRole('dialog', { name: 'Work on the passage' })
    await dialog.getByText(passage).waitFor()
    await dialog.getByText(/About \$0\.\d+ at most, for 1 call of writer/).waitFor()
    await dialog.getByLabel('Instructions').fill('Let it sound older.')
    await dialog.getByRole('button', { name: 'Rewrite' }).click()
    const marked = candidate(page).locator('[data-new-passage]')
    await marked.waitFor()
    expect(await marked.textContent()).toBe(answer)
    expect(it.model.ledger.calls.at(-1)?.prompt).toContain('- Let it sound older.')
    expect((await it.scene(sceneId)).content).toBe(before + passage + after)
    await candidate(page).getByRole('button', { name: 'Take it in place of the text' }).click()
    await expect.poll(() => article(page).textContent()).toBe(before + answer + after)
    expect((await it.scene(sceneId)).content).toBe(before + answer + after)
  })

  test('is not sent while a title is typed and not saved, which would be lost with it', async () => {
    const sceneId = await written('The quay')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await page.getByRole('button', { name: 'Edit', exact: true }).first().click()
    const field = page.locator('[data-editor] textarea').first()
    const rewrite = tools(page).getByRole('button', { name: 'Rewrite' })
    await field.press('Control+a')
    await expect.poll(() => rewrite.isEnabled()).toBe(true)
    await page.getByLabel('Title').fill('The empty quay')
    await field.press('Control+a')
    await tools(page).getByText('Save what you typed first').waitFor()
    expect(await rewrite.isDisabled()).toBe(true)
  })

  test('is reached with the keyboard in the editor, on a phone, in Chinese', async () => {
    const sceneId = await written('The bell')
    it.model.script.add({ answer: { is: 'text', text: answer } })
    await using opened = await open(it.pageOf(sceneId), { language: 'zh', width: 375 })
    const { page } = opened
    await page.getByRole('button', { name: '编辑', exact: true }).first().click()
    const field = page.locator('[data-editor] textarea').first()
    await field.waitFor()
    await field.press('Control+Home')
    await field.press('Shift+ArrowDown')
    const shorten = tools(page).getByRole('button', { name: '缩写' })
    await expect.poll(() => shorten.isEnabled()).toBe(true)
    await shorten.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: '处理选中的文字' })
    await dialog.getByRole('button', { name: '缩写' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await page.keyboard.press('Escape')
    // What is not saved may not be in the text that the server has.
    await field.press('End')
    await field.pressSequentially('!')
    await tools(page).getByText('请先保存').waitFor()
  })
})
