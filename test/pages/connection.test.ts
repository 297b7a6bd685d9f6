import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  describePages,
  open,
  type PageProcess,
  type PageServer,
  startProcess,
  startServer,
} from './kit/kit.ts'

const story =
  'The Ferry\n\nChapter 1\n\nThe ferry left at noon.\n\nChapter 2\n\nIt came back with nobody aboard.\n'

describePages('when the server is killed', () => {
  let server: PageProcess
  beforeEach(async () => {
    server = await startProcess()
  }, 120_000)
  afterEach(() => server?.[Symbol.asyncDispose]())

  test('a server that is killed and started again under an open page: it says so, keeps what it shows, and goes on', async () => {
    const { taskId } = await server.importText(story, 'ferry.txt')
    await server.ended(taskId)
    await using opened = await open(`${server.url}/`)
    const { page } = opened
    await page.getByText('The Ferry').first().waitFor()
    await page.locator('[data-live=live]').waitFor()
    await server.kill()
    await page.getByText('The server does not answer').waitFor()
    await page.getByText('The Ferry').first().waitFor()
    await server.startAgain()
    await page.locator('[data-live=live]').waitFor()
    await page.getByText('The server does not answer').waitFor({ state: 'detached' })
    await server.importText(story.replace('The Ferry', 'The Second Ferry'), 'second.txt')
    await page.getByText('The Second Ferry').first().waitFor()
  })

  test('a page that is opened while the server is away comes up by itself when it is back', async () => {
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await server.kill()
    // The chunk of the page and its data cannot be had now; the shell stays.
    await page.getByRole('link', { name: 'Tasks', exact: true }).click()
    await page.getByText('The server does not answer').first().waitFor()
    await server.startAgain()
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
  })
})

describePages('when the connection is bad', () => {
  let server: PageServer
  beforeEach(async () => {
    server = await startServer({}, { noToken: 'true' })
  }, 120_000)
  afterEach(() => server?.[Symbol.asyncDispose]())

  test('a stream of events that something on the way refuses: the page says so, and asks again', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route('**/v1/events*', route => route.fulfill({ status: 403 }))
    await page.goto(server.url)
    await page.locator('[data-live=refused]').getByText('Not live').waitFor()
    await page.getByText('No live updates', { exact: true }).waitFor()
    await page.unroute('**/v1/events*')
    await page.locator('[data-live=live]').waitFor()
    await page.getByText('No live updates', { exact: true }).waitFor({ state: 'detached' })
  })

  test('a slow connection shows that something comes, and then all of it', async () => {
    const { taskId } = await server.importText(story, 'ferry.txt')
    await server.ended(taskId)
    await using opened = await open('about:blank')
    const { page } = opened
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 600,
      downloadThroughput: 60_000,
      uploadThroughput: 20_000,
    })
    await page.goto(`${server.url}/tasks`, { waitUntil: 'commit' })
    await page.getByRole('status').first().waitFor()
    await page.getByText('Import a novel').first().waitFor()
  })

  test('answers that break off are asked for again; what was refused is not', async () => {
    const { taskId } = await server.importText(story, 'ferry.txt')
    await server.ended(taskId)
    await using opened = await open('about:blank')
    const { page } = opened
    let broken = 0
    await page.route(/\/v1\/novels\?/, route =>
      broken++ < 2 ? route.abort('connectionreset') : route.continue(),
    )
    await page.goto(server.url)
    await page.getByText('The Ferry').first().waitFor()
    expect(broken).toBeGreaterThanOrEqual(2)
    let asked = 0
    page.on('request', request => {
      if (request.url().includes('/v1/tasks/00000000-')) asked += 1
    })
    await page.goto(`${server.url}/tasks/00000000-0000-7000-8000-000000000000`)
    await page.getByText('There is no such task').first().waitFor()
    expect(asked).toBeLessThanOrEqual(8)
  })

  test('the tabs of a browser share one stream of events; when its tab closes another one goes on', async () => {
    const streams = async () => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text()
      return Number(/^quillwork_sse_connections(?:\{[^}]*\})? (\d+)/m.exec(metrics)?.[1] ?? Number.NaN)
    }
    await using opened = await open(server.url)
    await opened.page.locator('[data-live=live]').waitFor()
    const second = await opened.newTab(`${server.url}/tasks`)
    await second.locator('[data-live=live]').waitFor()
    const third = await opened.newTab(`${server.url}/`)
    await third.locator('[data-live=live]').waitFor()
    expect(await streams()).toBe(1)
    await opened.page.close()
    const { taskId } = await server.importText(story, 'ferry.txt')
    await second.getByText('Import a novel').first().waitFor()
    await third.getByText('The Ferry').first().waitFor()
    await server.ended(taskId)
    expect(await streams()).toBeLessThanOrEqual(2)
  })

  test('a tab that goes on with the stream shows what ended before it did, though no event was ever received', async () => {
    const { taskId, novelId } = await server.importText(story, 'ferry.txt')
    await server.ended(taskId)
    const later = { taskType: 'Vectorize', parameters: { novelId }, delay: '1h' }
    const { id } = await server.post<{ id: string }>('/v1/tasks', later)
    await using opened = await open(server.url)
    await opened.page.locator('[data-live=live]').waitFor()
    const second = await opened.newTab(`${server.url}/tasks/${id}`)
    await second.locator('[data-live=live]').waitFor()
    await second.getByText('Waiting', { exact: true }).first().waitFor()
    let letGo = () => {}
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    const asked = second.waitForRequest(/\/v1\/events/)
    await second.route(/\/v1\/events/, async route => {
      await held
      await route.continue()
    })
    await opened.page.close()
    await asked
    await server.post(`/v1/tasks/${id}:cancel`)
    letGo()
    await second.getByText('Cancelled', { exact: true }).first().waitFor()
  })
})
