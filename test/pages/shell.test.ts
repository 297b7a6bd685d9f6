import { get } from 'node:http'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer, untilFocused, untilLoaded } from './kit/kit.ts'

/** Bytes of a file of the pages as a browser that takes gzip alone gets it. */
function gzippedSize(address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(address, { agent: false, headers: { 'accept-encoding': 'gzip' } }, response => {
      let size = 0
      response.on('data', (part: Buffer) => (size += part.length))
      response.on('end', () => resolve(size))
    }).on('error', reject)
  })
}

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
    // The last one that is offered: it waits for who is signed in.
    await page.getByRole('link', { name: 'Audit trail' }).waitFor()
    expect(await page.getByRole('navigation').getByRole('link').allTextContents()).toEqual([
      'Shelf',
      'Overview',
      'Tasks',
      'Needs attention',
      'Lanes',
      'Schedules',
      'Workers',
      'Events',
      'Audit trail',
      'Usage and cost',
      'Limits',
      'Settings',
    ])
    await expect.poll(() => page.title()).toBe('Shelf · Quillwork')
    // The browser of the tests asks for less motion.
    const moving = await page.evaluate(() => {
      const styles = [...document.querySelectorAll('body *')].map(each => getComputedStyle(each))
      return styles.filter(each => each.animationName !== 'none' || /[1-9]/.test(each.transitionDuration))
        .length
    })
    expect(moving).toBe(0)
  })

  test('the first page is there with 25 requests and 250 kB at most, compressed with gzip', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const addresses: string[] = []
    page.on('request', request => addresses.push(request.url()))
    await page.goto(server.url)
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('button', { name: 'Begin a novel' }).waitFor()
    expect(addresses.length).toBeLessThanOrEqual(25)
    const files = addresses.filter(address => !address.includes('/v1/'))
    const sizes = await Promise.all(files.map(address => gzippedSize(address)))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(250_000)
  })

  test('the list of tasks is there with 25 requests at most, and the texts of other pages come with the first of these', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const addresses: string[] = []
    page.on('request', request => addresses.push(request.url()))
    const rest = () => addresses.filter(address => /\/assets\/rest-/.test(address))
    await page.goto(`${server.url}/tasks`)
    await page.locator('[data-live=live]').waitFor()
    await untilLoaded(page)
    expect(addresses.length).toBeLessThanOrEqual(25)
    expect(rest()).toEqual([])
    await page.getByRole('link', { name: 'Limits' }).click()
    await page.getByRole('heading', { level: 1, name: 'Limits' }).waitFor()
    expect(rest()).toHaveLength(1)
  })

  test('over a slow network a page can be read and left after 60 kB, before its program is there', async () => {
    const { taskId } = await server.importText('Chapter 1\n\nThe lantern.\n', 'Lantern.txt')
    await server.ended(taskId)
    await using opened = await open('about:blank')
    const { page } = opened
    let release = () => undefined as void
    const held = new Promise<void>(resolve => (release = resolve))
    const before: string[] = []
    page.on('request', request => before.push(request.url()))
    await page.addInitScript(() =>
      Object.defineProperty(navigator, 'connection', { value: { rtt: 400, downlink: 0.4 } }),
    )
    await page.route(/\/assets\/index-.*\.js$/, async route => {
      before.splice(before.indexOf(route.request().url()), 1)
      await held
      await route.continue()
    })
    await page.goto(server.url, { waitUntil: 'commit' })
    await page.getByRole('link', { name: 'Lantern' }).click()
    await page.getByRole('heading', { level: 1, name: 'Lantern' }).waitFor()
    expect(before.filter(address => address.includes('/v1/'))).toHaveLength(2)
    expect(before.length).toBeLessThanOrEqual(7)
    const sizes = await Promise.all(before.map(address => gzippedSize(address)))
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60_000)
    expect(new URL(page.url()).pathname).toMatch(/^\/novels\//)
    // A list that is filtered, or a page that it does not know, is not the page before it.
    await page.evaluate(() => {
      history.pushState(null, '', '/tasks?status=FAILED')
      history.pushState(null, '', '/')
    })
    await page.evaluate(() => history.back())
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'detached' })
    await page.evaluate(() => history.back())
    await page.getByRole('heading', { level: 1, name: 'Lantern' }).waitFor()
    // The program takes over where the reader is.
    release()
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Lantern' }).waitFor()
    expect(await page.locator('.first-view').count()).toBe(0)
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
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
    const box = page.getByLabel('Token or API key', { exact: true })
    const isWanted = page.getByRole('heading', { name: 'This server asks for a token or an API key' })
    await untilFocused(box)
    await page.keyboard.type('mistyped')
    await page.keyboard.press('Enter')
    await page.getByText('The server does not accept this token or key.').waitFor()
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

  test('is not kept where the one of an address is wrong', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const readsSignIn = page.waitForResponse(`${server.url}/v1/sign-in`)
    await page.goto(`${server.url}/#token=of-a-stranger`)
    const response = await readsSignIn
    expect(await response.request().headerValue('authorization')).toBeNull()
    await page.getByText('The server does not accept this token or key.').waitFor()
    expect(await page.evaluate(() => localStorage.getItem('quillwork.token'))).toBeNull()
  })

  test('is taken where its address is typed into a tab that asks for it, for the other tabs too', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const other = await opened.newTab(`${server.url}/tasks`)
    for (const tab of [page, other]) await tab.getByLabel('Token or API key', { exact: true }).waitFor()
    await page.goto(`${server.url}/#token=the-right-token-of-this-server`)
    await page.getByRole('heading', { level: 1, name: 'Shelf' }).waitFor()
    await other.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    expect(new URL(page.url()).hash).toBe('')
  })

  test('is forgotten at the sign-out, with what was typed and not saved, in every tab; the choices stay', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const isWanted = (tab: Page) =>
      tab.getByRole('heading', { name: 'This server asks for a token or an API key' })
    await page.getByLabel('Token or API key', { exact: true }).fill('the-right-token-of-this-server')
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
    await question
      .getByText('The unsaved changes of 1 scene are lost, and edits that were not sent yet.')
      .waitFor()
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
