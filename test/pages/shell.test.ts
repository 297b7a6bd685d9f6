import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'

describePages('around every page', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer()
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('the first page shows the places one can go to, and follows the server', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual([
      'Shelf',
      'Tasks',
      'Needs attention',
      'Usage and cost',
      'Settings',
    ])
    await expect.poll(() => page.title()).toBe('Shelf · Quillwork')
  })

  test('speaks the language of the browser, and the one that is chosen from then on', async () => {
    await using opened = await open(`${server.url}/tasks`, { language: 'zh' })
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: '任务' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    await page.getByText('EN', { exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
  })
})
