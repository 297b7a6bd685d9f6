import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sizeOf } from '../size.ts'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, open } from './kit/kit.ts'

/** Sub-tasks: of the size that the pages are made for, in `npm run test:slow`. */
const many = sizeOf(2_000, 10_000)
const manyAsShown = many.toLocaleString('en')

/** Bytes of the heap of the page that are in use, after a collection. */
async function heapOf(page: Page): Promise<number> {
  const client = await page.context().newCDPSession(page)
  await client.send('HeapProfiler.collectGarbage')
  const { usedSize } = await client.send('Runtime.getHeapUsage')
  await client.detach()
  return usedSize
}

/** Counts the milliseconds that the main thread of the page has had of a processor since. */
async function cpuOf(page: Page): Promise<() => Promise<number>> {
  const client = await page.context().newCDPSession(page)
  await client.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => {
    const { metrics } = await client.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000
  }
  const before = await read()
  return async () => (await read()) - before
}

/** Epoch milliseconds when the first row was there, and when the page had time for something else after that. */
async function openedAt(page: Page): Promise<{ rows: number; idle: number }> {
  return page.evaluate(
    () =>
      new Promise<{ rows: number; idle: number }>(resolve => {
        const look = () => {
          if (document.querySelector('[data-row-link]') === null) return void requestAnimationFrame(look)
          const rows = Date.now()
          requestIdleCallback(() => resolve({ rows, idle: Date.now() }))
        }
        look()
      }),
  )
}

/** Scrolls up and down through what is there and answers the longest time between two frames in milliseconds. */
async function longestFrame(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>(resolve => {
        const frames: number[] = []
        let last = performance.now()
        const step = () => {
          const now = performance.now()
          frames.push(now - last)
          last = now
          window.scrollBy(0, -600)
          if (frames.length < 60) requestAnimationFrame(step)
          else resolve(Math.max(...frames.slice(2)))
        }
        requestAnimationFrame(step)
      }),
  )
}

describePages('a task with thousands of sub-tasks', () => {
  let server: EngineServer
  let parent: string
  beforeAll(async () => {
    server = await startEngineServer()
    const completed = new Promise<void>(resolve => {
      server.engine.events.on('completed', ({ parentTaskId }) => {
        if (parentTaskId === undefined) resolve()
      })
    })
    parent = await server.submit([{ do: 'submitMany', count: many, orders: [{ do: 'succeed' }] }])
    await completed
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('shows one page of them at first, reads on while one scrolls, and keeps only what is seen in the document', {
    timeout: 240_000,
  }, async () => {
    await using opened = await open(`${server.url}/tasks`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await page.goto('about:blank')
    const cpu = await cpuOf(page)
    let asked = 0
    page.on('request', request => {
      if (request.url().includes('/children')) asked += 1
    })
    // The clock of a page may have begun with an earlier one.
    const began = Date.now()
    await page.goto(`${server.url}/tasks/${parent}`)
    const first = await openedAt(page)
    const cpuToOpen = await cpu()
    const rows = page.locator('[data-task]')
    expect(asked).toBeLessThanOrEqual(2)
    expect(await rows.count()).toBeLessThan(80)
    const counts = page.getByRole('group', { name: 'Sub-tasks by status' })
    await counts.getByRole('button', { name: `${manyAsShown} Done` }).waitFor()
    const heapAtFirst = await heapOf(page)
    // One page of the list per look at its end, in order.
    const end = page.getByText(`That is all ${manyAsShown} of them`)
    while ((await end.count()) === 0) await toBottom(page)
    await toBottom(page)
    await page.getByText(`Scripted ${many - 1}`).waitFor()
    expect(await rows.count()).toBeLessThan(80)
    expect(asked).toBeGreaterThanOrEqual(many / 100)
    const frame = await longestFrame(page)
    const heap = await heapOf(page)
    process.stderr.write(
      `\n${manyAsShown} sub-tasks: first rows after ${first.rows - began} ms, at rest after ${first.idle - began} ms (${Math.round(cpuToOpen)} ms of the processor); heap ${mega(heapAtFirst)} MB, ` +
        `with all of them read ${mega(heap)} MB; longest frame while scrolling ${Math.round(frame)} ms\n`,
    )
    expect(heap).toBeLessThan(60 * 1_048_576)
    // Of the processor's time, for others may work beside it here.
    expect(cpuToOpen).toBeLessThan(1_000)
  })

  test('whoever comes back from a sub-task finds the list where it was, without it being read again', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const read: string[] = []
    page.on('request', request => {
      if (request.url().includes(`${parent}/children`)) read.push(request.url())
    })
    await page.goto(`${server.url}/tasks/${parent}`)
    const row = page.getByRole('listitem').filter({ has: page.getByText('250', { exact: true }) })
    while ((await row.count()) === 0) await scrollOn(page)
    await row.getByRole('link').click()
    await page.getByRole('navigation', { name: 'Where this task belongs' }).waitFor()
    const before = new Set(read.splice(0))
    await page.goBack()
    await row.getByRole('link').waitFor()
    expect(read.filter(url => before.has(url))).toEqual([])
  })

  test('of those that came in after the end of a long list was read it says how many, and shows them', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const tokens: string[] = []
    await page.route(`**/v1/tasks/${parent}/children*`, async route => {
      const response = await route.fetch()
      const { nextPageToken, ...list } = await response.json()
      const isThird = new URL(route.request().url()).searchParams.get('pageToken') === tokens[1]
      if (!tokens.includes(nextPageToken)) tokens.push(nextPageToken)
      // As if the parent had submitted no more until then.
      await route.fulfill({ response, json: isThird ? list : { ...list, nextPageToken } })
    })
    await page.goto(`${server.url}/tasks/${parent}`)
    const arrived = page.getByRole('button', {
      name: `${(many - 300).toLocaleString('en')} more came in. Show them`,
    })
    while ((await arrived.count()) === 0) await toBottom(page)
    expect(await page.getByText('That is all').count()).toBe(0)
    await page.unroute(`**/v1/tasks/${parent}/children*`)
    await arrived.click()
    const end = page.getByText(`That is all ${manyAsShown} of them`)
    while ((await end.count()) === 0) await toBottom(page)
  })

  test('rows of a long list change in place, and it is not read again and again', {
    timeout: 120_000,
  }, async () => {
    const id = await server.submit([{ do: 'submitMany', count: 1_000, orders: [{ do: 'hang' }] }])
    await using opened = await open(`${server.url}/tasks/${id}`)
    const { page } = opened
    const counts = page.getByRole('group', { name: 'Sub-tasks by status' })
    await counts.getByRole('button', { name: '1,000 All' }).waitFor()
    const end = page.getByText('That is all 1,000 of them')
    while ((await end.count()) === 0) await toBottom(page)
    await toBottom(page)
    let asked = 0
    let last = performance.now()
    page.on('request', request => {
      if (!request.url().includes('/children')) return
      asked += 1
      last = performance.now()
    })
    // Where the stream stood only after the first answers, what they told is read once more.
    await expect.poll(() => performance.now() - last).toBeGreaterThan(1_500)
    asked = 0
    await server.post(`/v1/tasks/${id}:cancel`)
    await counts.getByRole('button', { name: '1,000 Cancelled' }).waitFor()
    const lastRow = page.getByRole('listitem').filter({ hasText: 'Scripted 999' })
    await lastRow.locator('[data-status=CANCELLED]').waitFor()
    expect(asked).toBe(0)
  })
})

/** Goes on by less than a screen, and waits until it is drawn: no row is passed unseen. */
function scrollOn(page: Page): Promise<void> {
  return page.evaluate(async () => {
    window.scrollBy(0, 500)
    for (let frame = 0; frame < 2; frame++) await new Promise(resolve => requestAnimationFrame(resolve))
  })
}

/** Goes to the end of what has been read so far, and waits until it is drawn. */
function toBottom(page: Page): Promise<void> {
  return page.evaluate(async () => {
    window.scrollTo(0, document.body.scrollHeight)
    for (let frame = 0; frame < 2; frame++) await new Promise(resolve => requestAnimationFrame(resolve))
  })
}

function mega(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}
