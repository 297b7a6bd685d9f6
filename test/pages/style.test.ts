import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'

const quiet = 'The ferry crossed the river and came back again at noon. '
const book = [
  'Chapter 1',
  quiet.repeat(12),
  'Chapter 2',
  `${quiet.repeat(4)}\n\n${'“A lantern shone,” she said. '.repeat(8)}`,
  'Chapter 3',
  quiet.repeat(2),
].join('\n\n')

describePages('the style of a novel', () => {
  let server: PageServer
  let novelId: string
  beforeAll(async () => {
    server = await startServer()
    const imported = await server.importText(book, 'Ferry.txt')
    await server.ended(imported.taskId)
    novelId = imported.novelId
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('is a table of its chapters, sorted by a figure, and lists that lead to the text', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`, { width: 320, height: 700 })
    const { page } = opened
    await page.getByRole('link', { name: 'Style', exact: true }).click()
    await page.getByRole('heading', { name: 'Chapter by chapter' }).waitFor()
    const rows = page.locator('tr[data-style]')
    const titles = () => rows.getByRole('rowheader').allTextContents()
    expect(await titles()).toEqual(['The whole novel', 'Chapter 1', 'Chapter 2', 'Chapter 3'])
    expect(await page.locator('tr[data-style="1"]').textContent()).toContain('lantern: 8 (0)')
    await page.getByRole('button', { name: 'Dialogue (largest first)' }).click()
    await expect.poll(titles).toEqual(['The whole novel', 'Chapter 2', 'Chapter 1', 'Chapter 3'])
    const header = page.getByRole('columnheader', { name: 'Dialogue' })
    expect(await header.getAttribute('aria-sort')).toBe('descending')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    await page.getByRole('region', { name: 'Most used words' }).getByRole('link', { name: 'lantern' }).click()
    await page.waitForURL(/\/scenes\//)
  })
})
