import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

interface Entry {
  name: string
  aliases: string[]
  kind: string
  text: string
}

describePages('a codex and a model', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer({ uses: ['prose', 'summary'], contextTokens: 16_000 })
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  const entries = async () =>
    (await it.server.ask<{ items: Entry[] }>(`/v1/novels/${it.novelId}/codex`)).items
  /** Has the model answer what is asked of a text with a list. */
  const script = (text: string, list: 'entries' | 'contradictions', ...items: object[]) =>
    it.model.script.add({
      ...{ prompt: `${text}[\\s\\S]*"${list}": \\[` },
      answer: { is: 'text', text: JSON.stringify({ [list]: items }) },
    })

  test('proposes entries, of which one is changed and added, one added as it is, one ignored', async () => {
    const item = { kind: 'person', aliases: [] }
    script(
      'two doors',
      'entries',
      { ...item, name: 'Berit Hask', description: 'Weighs salt.', quotation: 'Berit Hask had been told' },
      {
        ...item,
        name: 'Anderby Pans',
        kind: 'place',
        description: 'Salt.',
        quotation: 'house at Anderby Pans',
      },
      { ...item, name: 'Sword', kind: 'thing', description: 'Sharp.', quotation: 'She drew the sword.' },
    )
    script('forty-one years', 'entries', {
      ...{ ...item, name: 'Mr. Pell', description: 'Keeps the ledger.' },
      quotation: 'Mr. Pell kept the ledger for forty-one years',
    })
    script('found open', 'entries')
    await using opened = await open(`${it.server.url}/novels/${it.novelId}/codex`)
    const { page } = opened
    const part = page.locator('[data-proposals]')
    await part.getByRole('button', { name: 'Ask a model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Have a model propose entries' })
    await dialog.locator('[data-cost="3"]').waitFor()
    await dialog.getByRole('button', { name: 'Have it read' }).click()
    await page.waitForURL(/\/tasks\//)
    const id = page.url().split('/').at(-1) ?? ''
    await it.server.ended(id)
    expect(await it.server.ask(`/v1/tasks/${id}`)).toMatchObject({
      ...{ taskType: 'ProposeCodexEntries', result: { success: 3, found: 3, dropped: 1 } },
    })
    await page.goto(`${it.server.url}/novels/${it.novelId}/codex`)
    await part.getByRole('button', { name: 'Find names' }).click()
    const berit = part.locator('[data-proposed="Berit Hask"]')
    await berit.getByText('Weighs salt.').waitFor()
    await berit.getByRole('button', { name: 'Edit first' }).click()
    const editing = page.getByRole('dialog', { name: 'New entry' })
    await editing.getByRole('textbox', { name: 'What prompts say of it' }).fill('Weighs salt, and doubts.')
    await editing.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-entry="Berit Hask"]').waitFor()
    await part.locator('[data-proposed="Mr. Pell"]').getByRole('button', { name: 'Add an entry' }).click()
    await page.locator('[data-entry="Mr. Pell"]').getByText('Keeps the ledger.').waitFor()
    const place = part.locator('[data-proposed="Anderby Pans"]')
    await place.getByRole('button', { name: 'Ignore for good' }).click()
    await place.waitFor({ state: 'detached' })
    expect(await part.locator('[data-proposed="Sword"]').count()).toBe(0)
    expect(await entries()).toMatchObject([
      { name: 'Berit Hask', kind: 'person', text: 'Weighs salt, and doubts.' },
      { name: 'Mr. Pell', text: 'Keeps the ledger.' },
    ])
  })

  test('leaves no prompt unasked that is typed, to show the candidate that is written with it', async () => {
    await using opened = await open(`${it.server.url}/novels/${it.novelId}/prompts`)
    const { page } = opened
    const text = page.getByRole('textbox', { name: 'Text of the prompt' })
    const typed = (await text.inputValue()).replace('You are a novelist', 'You are a dry novelist')
    await text.fill(typed)
    const trial = page.locator('[data-trial]')
    await trial.getByRole('combobox', { name: 'Chapter' }).fill('ink')
    await page.getByRole('option', { name: /Ink/ }).click()
    const write = trial.getByRole('button', { name: 'Write one candidate with it' })
    const question = page.getByRole('dialog', { name: 'Leave without saving?' })
    await write.click()
    await question.getByRole('button', { name: 'Back' }).click()
    expect(await text.inputValue()).toBe(typed)
    await write.click()
    await question.getByRole('button', { name: 'Leave' }).click()
    await page.waitForURL(/\/scenes\//)
    const { items } = await it.server.ask<{ items: object[] }>(
      `/v1/tasks?tag=novel:${it.novelId}&taskType=GenerateScene`,
    )
    expect(items).toHaveLength(1)
  })

  test('finds what speaks against it, with both quotations, on a narrow screen in Chinese', async () => {
    await it.server.post(`/v1/novels/${it.novelId}/codex`, {
      ...{ kind: 'person', name: 'Berit', text: 'Cannot add a single number.' },
    })
    const finding = { entry: 'Berit', kind: 'character', noted: 'Cannot add a single number' }
    script('forty-one years', 'contradictions', {
      ...{ ...finding, quotation: 'Berit could add', explanation: '她会算术。' },
    })
    script('', 'contradictions')
    await using opened = await open(`${it.server.url}/novels/${it.novelId}/codex`, {
      ...{ language: 'zh', theme: 'dark', width: 360, height: 740 },
    })
    const { page } = opened
    const part = page.locator('[data-findings]')
    await part.getByRole('button', { name: '询问模型' }).click()
    const dialog = page.getByRole('dialog', { name: '由模型检查正文' })
    await dialog.locator('[data-cost]').waitFor()
    await dialog.getByRole('button', { name: '开始阅读' }).click()
    await page.waitForURL(/\/tasks\//)
    await it.server.ended(page.url().split('/').at(-1) ?? '')
    await page.goto(`${it.server.url}/novels/${it.novelId}/codex`)
    await part.getByRole('button', { name: '检查正文' }).click()
    const shown = part.locator('[data-finding="CONTRADICTS_CHARACTER"]')
    await shown.getByText('Berit could add', { exact: true }).waitFor()
    await shown.getByText('Cannot add a single number').waitFor()
    await shown.getByText('她会算术。').waitFor()
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide).toBeLessThanOrEqual(360)
    await shown.getByRole('textbox').fill('她在撒谎。')
    await shown.getByRole('button', { name: '有意为之' }).click()
    await shown.getByText('有意为之：她在撒谎。').waitFor()
  })
})
