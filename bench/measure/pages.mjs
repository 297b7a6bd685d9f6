import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { createApp } from '../../dist/http/index.js'
import { createEngine, defineTask } from '../../dist/index.js'
import { sqlite } from '../../dist/store/sqlite/index.js'
import { chunks, noopTask, openEngine } from '../engine.mjs'
import { median, payload } from '../load.mjs'

const pages = fileURLToPath(new URL('../../dist/dashboard', import.meta.url))
/** The rows of the list of tasks, and of a tree. */
const rows = { list: 'main a[href^="/tasks/0"]', tree: '[data-row-link]' }
const browserArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Answers an engine with its pages on a free port, for as long as `look` runs with a browser. */
async function withPages(engine, look) {
  const app = createApp({ engine, pages })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: browserArgs })
  try {
    return await look(url, browser)
  } finally {
    await browser.close()
    app.server.closeAllConnections()
    await app.close()
  }
}

/**
 * Milliseconds from the start of the navigation, in a browser profile of its own, until something of the page can be seen and the page is
 * idle enough to draw the next frame.
 */
async function timeToSee(browser, url, selector) {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } })
  const page = await context.newPage()
  await page.goto(url, { waitUntil: 'commit' })
  const seen = await page.waitForFunction(
    wanted =>
      document.querySelector(wanted) !== null &&
      new Promise(done => requestAnimationFrame(() => done(performance.now()))),
    selector,
    { polling: 'raf' },
  )
  const ms = await seen.jsonValue()
  return { ms, page, context }
}

/** What comes over the wire, gzipped, until the list of tasks is there: every file that the browser asked for, once. */
export async function firstLoad() {
  const engine = await createEngine({ tasks: [noopTask(() => {})], store: sqlite({ file: ':memory:' }) })
  const loaded = await withPages(engine, async (url, browser) => {
    const page = await browser.newPage()
    const files = []
    page.on('response', response => {
      const { pathname } = new URL(response.url())
      if (pathname.startsWith('/assets/')) files.push(pathname)
    })
    await page.goto(`${url}/tasks`)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle').catch(() => undefined)
    return [...new Set(files)]
  })
  await engine.stop({ grace: 0 })
  const bytes = loaded.reduce(
    (sum, path) => sum + gzipSync(readFileSync(join(pages, path)), { level: 9 }).length,
    0,
  )
  return { gzippedKb: bytes / 1_000 }
}

/** With a million tasks in the store (file of `backlog.mjs`): milliseconds until the list of tasks shows its first rows; the median of `samples`. */
export async function millionTasks({ directory, prepared, samples }) {
  const file = join(directory, 'backlog.db')
  copyFileSync(join(prepared, 'backlog.db'), file)
  const engine = await openEngine({ file, tasks: [noopTask(() => {})] })
  const times = await withPages(engine, async (url, browser) => {
    const found = []
    for (let sample = 0; sample <= samples; sample++) {
      const { ms, context } = await timeToSee(browser, `${url}/tasks`, rows.list)
      await context.close()
      // The first one warms the file and the browser up.
      if (sample > 0) found.push(ms)
    }
    return found
  })
  await engine[Symbol.asyncDispose]()
  return { interactiveMs: median(times) }
}

/** A parent with `count` sub-tasks: milliseconds until its tree shows rows, and the heap of the page then; medians of `samples`. */
export async function tree({ count, samples }) {
  const child = noopTask(() => {})
  const parent = defineTask({
    type: 'Parent',
    parameters: child.parameters,
    result: child.result,
    async execute(ctx) {
      for (const items of chunks(count, index => ({ key: `part-${index}`, parameters: payload(index) })))
        await ctx.submitSubTasks(child, items)
      return { index: ctx.parameters.index }
    },
  })
  const engine = await createEngine({ tasks: [child, parent], store: sqlite({ file: ':memory:' }) })
  await engine.start()
  const task = await engine.submit(parent, payload(0))
  await task.result()
  const figures = await withPages(engine, async (url, browser) => {
    const found = []
    for (let sample = 0; sample <= samples; sample++) {
      const { ms, page, context } = await timeToSee(browser, `${url}/tasks/${task.taskId}`, rows.tree)
      const session = await context.newCDPSession(page)
      await session.send('HeapProfiler.collectGarbage')
      const { usedSize } = await session.send('Runtime.getHeapUsage')
      await context.close()
      if (sample > 0) found.push({ ms, heap: usedSize / 1e6 })
    }
    return found
  })
  await engine.stop({ grace: 0 })
  return {
    interactiveMs: median(figures.map(({ ms }) => ms)),
    heapMb: median(figures.map(({ heap }) => heap)),
  }
}
