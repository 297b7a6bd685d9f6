import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer, untilFocused } from './kit/kit.ts'

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
      'Limits',
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

describePages('a server with a token', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer({ QUILLWORK_TOKEN: 'the-right-token-of-this-server' })
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('is asked for at once, and the newest one that was given holds after a reload', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const box = page.getByLabel('Token', { exact: true })
    const isWanted = page.getByRole('heading', { name: 'This server asks for a token' })
    await untilFocused(box)
    await page.keyboard.type('mistyped')
    await page.keyboard.press('Enter')
    await page.getByText('The server does not accept this token.').waitFor()
    await box.fill('the-right-token-of-this-server')
    await page.getByLabel('Keep it on this device').check()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
    await page.reload()
    await page.locator('[data-live=live]').waitFor()
    expect(await isWanted.count()).toBe(0)
  })

  test('is taken from the address that the server prints, and stands there no more', async () => {
    await using opened = await open(`${server.url}/tasks#token=the-right-token-of-this-server`)
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await page.locator('[data-live=live]').waitFor()
    expect(page.url()).toBe(`${server.url}/tasks`)
    await page.reload()
    await page.locator('[data-live=live]').waitFor()
    const other = await opened.newTab(server.url)
    await other.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
    expect(await page.evaluate(() => history.length)).toBe(2)
    // A link of another site brings a token that is not the right one.
    await page.goto(`${server.url}/settings#token=of-a-stranger`)
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    await page.locator('[data-live=live]').waitFor()
    await page.reload()
    await page.locator('[data-live=live]').waitFor()
  })

  test('is taken where its address is typed into a tab that asks for it, for the other tabs too', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const other = await opened.newTab(`${server.url}/tasks`)
    for (const tab of [page, other]) await tab.getByLabel('Token', { exact: true }).waitFor()
    await page.goto(`${server.url}/#token=the-right-token-of-this-server`)
    await page.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
    await other.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    expect(new URL(page.url()).hash).toBe('')
  })

  test('is forgotten at the sign-out, with what was typed and not saved, in every tab; the choices stay', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const isWanted = (tab: Page) => tab.getByRole('heading', { name: 'This server asks for a token' })
    await page.getByLabel('Token', { exact: true }).fill('the-right-token-of-this-server')
    await page.getByLabel('Keep it on this device').check()
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
    const other = await opened.newTab(`${server.url}/tasks`)
    await other.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await page.evaluate(at => {
      const draft = { title: '', content: 'She never', version: 1, base: { title: '', content: '' }, at }
      localStorage.setItem('quillwork.draft.some-scene', JSON.stringify(draft))
      localStorage.setItem('quillwork.reading.some-novel', '{"chapterId":"a","sceneId":"b","share":0}')
      localStorage.setItem('quillwork.preferences', '{"zone":"utc"}')
    }, Date.now())
    await page.goto(`${server.url}/settings`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    const question = page.getByRole('dialog')
    await question.getByText('The unsaved changes of 1 scene are lost.').waitFor()
    await question.getByRole('button', { name: 'Sign out' }).click()
    for (const tab of [page, other]) await isWanted(tab).waitFor()
    const left = () => page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)].flat())
    await expect
      .poll(async () => (await left()).filter(name => name.startsWith('quillwork.')))
      .toEqual(['quillwork.preferences'])
    await page.reload()
    await isWanted(page).waitFor()
  })
})
