import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startEngineServer } from './kit/engine-server.ts'
import { describePages, open, type PageProcess, startProcess } from './kit/kit.ts'

const story =
  'The Ferry\n\nChapter 1\n\nThe ferry left at noon.\n\nChapter 2\n\nIt came back with nobody aboard.\n'

interface Uploads {
  items: { id: string; fileName: string; status: string }[]
}

/** Lets go of files above the page, as a person who drags them does. */
async function drop(page: Page, files: Record<string, string>): Promise<void> {
  const dataTransfer = await page.evaluateHandle(given => {
    const transfer = new DataTransfer()
    for (const [name, text] of Object.entries(given)) transfer.items.add(new File([text], name))
    return transfer
  }, files)
  await page.dispatchEvent('body', 'dragenter', { dataTransfer })
  await page.locator('[data-dropping]').waitFor()
  await page.dispatchEvent('body', 'drop', { dataTransfer })
}

async function choose(page: Page, files: { name: string; buffer: Buffer }[], button = 'Choose a file') {
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: button }).click(),
  ])
  await chooser.setFiles(files.map(file => ({ ...file, mimeType: 'text/plain' })))
}

const asFile = (name: string, text = story) => ({ name, buffer: Buffer.from(text) })

describePages('the shelf', () => {
  let server: PageProcess
  beforeAll(async () => {
    server = await startProcess()
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())
  beforeEach(emptyShelf, 60_000)

  /** Takes everything away that an earlier test left, once nobody works on it any more. */
  async function emptyShelf(): Promise<void> {
    await idle()
    for (const { id } of await novels()) await server.ask(`/v1/novels/${id}`, { method: 'DELETE' })
    // With their uploads.
    await idle()
    for (const { id } of await uploads()) await server.ask(`/v1/uploads/${id}`, { method: 'DELETE' })
  }

  /** Waits until no task works. */
  async function idle(): Promise<void> {
    const live = '/v1/tasks?status=QUEUED&status=RUNNING&status=RETRYING'
    const working = async () => (await server.ask<{ items: unknown[] }>(live)).items.length
    await expect.poll(working, { timeout: 50_000 }).toBe(0)
  }

  const all = async () => (await server.ask<Uploads>('/v1/uploads?pageSize=200')).items
  const novels = async () =>
    (await server.ask<{ items: { id: string; title: string }[] }>('/v1/novels?pageSize=200')).items
  /** Those that wait to be looked at. */
  const uploads = async () => (await all()).filter(({ status }) => status === 'uploaded')

  test('an empty one says what this is; a sample that is taken is worked on and stands there, without reloading', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('heading', { name: 'Give it a novel' }).waitFor()
    expect(await page.locator('[data-model-note]').textContent()).toContain('picked from the text itself')
    await page.getByRole('button', { name: 'Take it: The Salt Ledger' }).click()
    const card = page.locator('[data-novel]')
    await card.getByRole('link', { name: 'The Salt Ledger' }).waitFor()
    await card.getByText('Every scene has a summary').waitFor()
    await page.locator('[data-working]').waitFor({ state: 'detached' })
    expect(await card.textContent()).toContain('5 chapters')
    expect(await page.getByText('Give it a novel').count()).toBe(0)
  })

  test('speaks Chinese, on a phone too, and nothing goes beyond the edge', async () => {
    await using opened = await open(server.url, { language: 'zh', width: 360, theme: 'dark' })
    const { page } = opened
    await page.getByRole('heading', { name: '放一本小说进来' }).waitFor()
    await page.getByRole('button', { name: '拿来试试：《渡口的钟》' }).click()
    await page.locator('[data-novel]').getByText('所有场景都有摘要').waitFor()
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(overflow).toBeLessThanOrEqual(0)
  })

  test('a sample whose answer got lost is taken again as the same novel', async () => {
    const before = (await all()).length
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route(
      '**/v1/samples/*:import',
      async route => {
        await route.fetch()
        await route.abort('connectionreset')
      },
      { times: 1 },
    )
    // The page does not hear of the import by its stream here, so the button is still there.
    await page.route('**/v1/events*', route => route.abort())
    await page.goto(server.url)
    const take = page.getByRole('button', { name: 'Take it: The Salt Ledger' })
    await take.click()
    await page.getByText('it will be one novel all the same').first().waitFor()
    // Without the stream it reads once what came of it.
    await idle()
    await take.click()
    await page.locator('[data-novel]').first().waitFor()
    await expect.poll(async () => (await novels()).length).toBe(1)
    expect((await all()).length).toBe(before + 1)
  })

  test('files that are dropped wait to be looked at; what is no novel is refused in plain words', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('heading', { name: 'Give it a novel' }).waitFor()
    await drop(page, {
      'one.txt': story,
      'two.md': `# Two\n\n${story}`,
      'scan.pdf': '%PDF-1.7',
      'nothing.txt': '',
    })
    await page.locator('[data-upload]').getByText('one.txt').waitFor()
    await page.locator('[data-upload]').getByText('two.md').waitFor()
    expect(await page.locator('[data-sending=refused]').allTextContents()).toEqual([
      expect.stringContaining('This kind of file cannot be read'),
      expect.stringContaining('This file is empty'),
    ])
    await page.getByRole('button', { name: 'Take scan.pdf from this list' }).click()
    await page.getByRole('button', { name: 'Throw away: two.md' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Throw away' }).click()
    await page.locator('[data-upload]').getByText('two.md').waitFor({ state: 'detached' })
    expect((await uploads()).map(({ fileName }) => fileName)).toEqual(['one.txt'])
    await page.getByRole('link', { name: 'Preview: one.txt' }).click()
    await page.waitForURL(/\/import\//)
  })

  test('one file alone is looked at as soon as it has arrived', async () => {
    await using opened = await open(server.url)
    await choose(opened.page, [asFile('ferry.txt')])
    await opened.page.waitForURL(/\/import\//)
    await opened.page.getByLabel('Title').waitFor()
    expect(await opened.page.getByLabel('Title').inputValue()).toBe('The Ferry')
  })

  test('a file that is too large is not even sent', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route('**/v1/capabilities', async route => {
      const response = await route.fetch()
      const told = (await response.json()) as { limits: Record<string, number> }
      await route.fulfill({ response, json: { ...told, limits: { ...told.limits, uploadBytes: 20 } } })
    })
    await page.goto(server.url)
    // It is of the same answer as the limit.
    await page.locator('[data-model-note]').waitFor()
    await choose(page, [asFile('large.txt')])
    await page.getByText('This file is too large').waitFor()
    expect(await uploads()).toEqual([])
  })

  test('while a file is on its way one sees how far, and can stop it', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('heading', { name: 'Give it a novel' }).waitFor()
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 20,
      downloadThroughput: -1,
      uploadThroughput: 200_000,
    })
    await choose(page, [asFile('long.txt', story.repeat(50_000))])
    await expect
      .poll(async () =>
        Number(
          await page
            .getByRole('progressbar')
            .getAttribute('aria-valuenow')
            .catch(() => 0),
        ),
      )
      .toBeGreaterThan(1)
    await page.getByRole('button', { name: 'Stop sending long.txt' }).click()
    await page.locator('[data-sending]').waitFor({ state: 'detached' })
    expect(await uploads()).toEqual([])
  })

  test('a file whose answer got lost is not sent twice; one that the server never got is sent again', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    let sent = 0
    await page.route('**/v1/uploads?fileName=*', async route => {
      sent += 1
      if (sent === 1) return route.abort('connectionreset')
      if (sent > 2) return route.continue()
      await route.fetch()
      await route.abort('connectionreset')
    })
    await choose(page, [asFile('ferry.txt')])
    const tryAgain = page.locator('[data-sending=failed]').getByRole('button', { name: 'Try again' })
    await tryAgain.click()
    await expect.poll(() => sent).toBe(2)
    await tryAgain.click()
    await page.waitForURL(/\/import\//)
    expect((await uploads()).map(({ fileName }) => fileName)).toEqual(['ferry.txt'])
  })

  test('a server that goes away while a file is sent: the file is kept, and sent when it is back', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('heading', { name: 'Give it a novel' }).waitFor()
    await server.kill()
    await choose(page, [asFile('ferry.txt')])
    await page.getByText('Nothing is lost: try again').waitFor()
    await server.startAgain()
    await page.locator('[data-sending=failed]').getByRole('button', { name: 'Try again' }).click()
    await page.waitForURL(/\/import\//)
    expect((await uploads()).length).toBe(1)
  })

  test('a file goes on being sent while one looks at another page', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/v1/uploads?fileName=*', async route => {
      await held
      await route.continue()
    })
    await choose(page, [asFile('ferry.txt')])
    await page.locator('[data-sending=sending]').waitFor()
    await page.getByRole('link', { name: 'Settings', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    release()
    await expect.poll(async () => (await uploads()).length).toBe(1)
    await page.getByRole('link', { name: 'Shelf' }).click()
    await page.locator('[data-upload]').getByText('ferry.txt').waitFor()
    expect(new URL(page.url()).pathname).toBe('/')
  })

  test('many novels are shown page by page, each once', async () => {
    const tasks: string[] = []
    for (let number = 1; number <= 26; number++) {
      const { taskId } = await server.importText(story.replace('The Ferry', `Ferry ${number}`), 'ferry.txt')
      tasks.push(taskId)
    }
    for (const taskId of tasks) await server.ended(taskId)
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('button', { name: 'Show more' }).click()
    await page.locator('[data-novel]').nth(25).waitFor()
    const titles = await page.locator('[data-novel]').getByRole('link').allTextContents()
    expect(new Set(titles).size).toBe(26)
    expect(titles[0]).toBe('Ferry 26')
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0)
  })

  test('a server without novels opens on the overview', async () => {
    await using alone = await startEngineServer()
    await using opened = await open(alone.url)
    await opened.page.waitForURL(`${alone.url}/overview`)
  })
})
