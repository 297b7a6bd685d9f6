import { afterAll, beforeAll, expect, test } from 'vitest'
import { isSlow } from '../size.ts'
import { seriousIn } from './kit/axe.ts'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import {
  describePages,
  type Look,
  move,
  open,
  type PageServer,
  startProcess,
  untilLoaded,
} from './kit/kit.ts'

const looks: readonly Look[] = [
  { theme: 'light', language: 'en' },
  { theme: 'dark', language: 'zh' },
  { theme: 'light', language: 'en', width: 360, height: 740 },
]

describePages('every page', () => {
  let server: PageServer
  let tasks: EngineServer
  const pages: [name: string, url: string][] = []

  beforeAll(async () => {
    server = await startProcess(['--sample'])
    const { items: samples } = await server.ask<{ items: { name: string }[] }>('/v1/samples')
    expect(samples.length).toBeGreaterThan(0)
    tasks = await startEngineServer({}, { 'openai:main:gpt-5-mini': { requestsPerMinute: 60 } })
    const failed = await tasks.submit([
      { do: 'log', message: 'began' },
      { do: 'acquire', limit: 'openai:main:gpt-5-mini' },
      { do: 'failForGood', message: 'no paper left' },
    ])
    const parent = await tasks.submit([{ do: 'submitMany', count: 30, orders: [{ do: 'succeed' }] }])
    for (const id of [failed, parent]) await tasks.ended(id)
    const upload = await server.ask<{ id: string }>('/v1/uploads?fileName=a.txt', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: 'Chapter 1\n\nOne.\n\nChapter 2\n\nTwo.\n',
    })
    const task = (
      await server.importText('Chapter 1\n\nThe lantern.\n\nChapter 2\n\nThe bridge.\n', 'Lantern.txt')
    ).taskId
    await server.ended(task)
    const { items } = await server.ask<{ items: { id: string }[] }>('/v1/novels')
    const novel = items[0]?.id ?? ''
    const { outline } = await server.ask<{ outline: { chapters: { id: string }[] }[] }>(`/v1/novels/${novel}`)
    const chapter = outline[0]?.chapters[0]?.id ?? ''
    const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
      `/v1/novels/${novel}/chapters/${chapter}`,
    )
    const noted = { kind: 'thing', name: 'Lantern', text: 'It never goes out.' }
    await server.post(`/v1/novels/${novel}/codex`, noted)
    await server.ask(`/v1/novels/${novel}/threads/lantern`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': '"0"' },
      body: JSON.stringify({ title: 'The lantern', plan: 'It goes out.', plantBy: scenes[0]?.id }),
    })
    pages.push(
      ['the shelf', `${server.url}/`],
      ['the overview', `${server.url}/overview?range=week`],
      ['the lanes', `${server.url}/lanes`],
      ['no schedules', `${server.url}/schedules`],
      ['the workers', `${server.url}/workers`],
      ['the events', `${server.url}/events`],
      ['the audit trail', `${server.url}/audit`],
      ['an import', `${server.url}/import/${upload.id}`],
      ['the tasks', `${server.url}/tasks`],
      ['a task', `${server.url}/tasks/${task}`],
      ['no dead letters', `${server.url}/dead-letters`],
      ['a novel', `${server.url}/novels/${novel}`],
      ['a search', `${server.url}/novels/${novel}?q=lantern`],
      ['a chapter', `${server.url}/novels/${novel}/chapters/${chapter}`],
      ['a scene', `${server.url}/novels/${novel}/scenes/${scenes[0]?.id ?? ''}`],
      ['a codex', `${server.url}/novels/${novel}/codex`],
      ['its prompts', `${server.url}/novels/${novel}/prompts`],
      ['its style', `${server.url}/novels/${novel}/style`],
      ['threads', `${server.url}/novels/${novel}/threads`],
      ['chapters from a file', `${server.url}/novels/${novel}/append?upload=${upload.id}`],
      ['the usage', `${server.url}/usage`],
      ['no limits', `${server.url}/limits`],
      ['the settings', `${server.url}/settings`],
      ['no such page', `${server.url}/nowhere`],
      // Last, because a page of another server is loaded anew.
      ['the overview of a server without novels', `${tasks.url}/`],
      ['a task that failed', `${tasks.url}/tasks/${failed}`],
      ['a parent', `${tasks.url}/tasks/${parent}?part=sub-tasks`],
      ['the dead letters', `${tasks.url}/dead-letters`],
      ['the limits', `${tasks.url}/limits`],
    )
  }, 240_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await tasks?.[Symbol.asyncDispose]()
  })

  for (const [nth, look] of looks.entries()) {
    const name = `${look.theme}, ${look.language}, ${look.width ?? 1_280} px`
    test(`is nothing to stumble over with a screen reader or a keyboard, and fits (${name})`, {
      timeout: 240_000,
    }, async () => {
      const found: string[] = []
      const edges = new Map<number, string>()
      await using opened = await open('about:blank', look)
      const { page } = opened
      // Each page in one of the looks; in the slow run in all of them.
      for (const [title, url] of pages.filter((_, at) => isSlow || at % looks.length === nth)) {
        await move(page, url)
        await untilLoaded(page)
        await page.locator('[data-live=live]').waitFor()
        for (const violation of await seriousIn(page)) found.push(`${title}: ${violation}`)
        const [content = 0, window = 0, edge = 0] = await page.evaluate(() => [
          document.documentElement.scrollWidth,
          document.documentElement.clientWidth,
          document.querySelector('.frame h1')?.getBoundingClientRect().left ?? 0,
        ])
        if (content > window) found.push(`${title}: ${content} px wide in ${window} px`)
        // What says that there is no page stands in the middle.
        if (!url.endsWith('/nowhere')) edges.set(edge, title)
      }
      expect(found).toEqual([])
      expect([...edges.values()], 'pages whose heads begin at different edges').toHaveLength(1)
    })
  }

  if (isSlow)
    test('asks for nothing twice while it loads', { timeout: 240_000 }, async () => {
      const twice: string[] = []
      await using opened = await open('about:blank')
      const { page } = opened
      let asked: string[] = []
      page.on('request', request => {
        if (request.method() === 'GET' && request.url().includes('/v1/')) asked.push(request.url())
      })
      for (const [title, url] of pages) {
        // The page before may still ask for something when it is left.
        await page.goto('about:blank')
        asked = []
        await page.goto(url)
        await untilLoaded(page)
        await page.locator('[data-live=live]').waitFor()
        // What would be read again is read as soon as the stream stands.
        await page.waitForTimeout(500)
        expect(asked.length, title).toBeGreaterThan(0)
        const again = asked.filter((one, at) => asked.indexOf(one) !== at)
        twice.push(...again.map(one => `${title}: ${one.replace(/^.*?\/v1\//, '/v1/')}`))
      }
      expect(twice).toEqual([])
    })
})
