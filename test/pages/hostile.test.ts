import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sizeOf } from '../size.ts'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, open, type PageServer, startServer, untilLoaded } from './kit/kit.ts'
import { payloads } from './payloads.ts'

/** Remembers what ran in a page, from its first moment on. */
async function watchForRuns(page: Page): Promise<() => Promise<unknown>> {
  await page.addInitScript(() => {
    const runs: unknown[] = []
    Object.assign(window, { runs, pwned: (number: unknown) => runs.push(number) })
  })
  page.on('dialog', dialog => {
    void dialog.dismiss()
    throw new Error(`A dialog opened: ${dialog.message()}`)
  })
  return () => page.evaluate('window.runs')
}

/** Looks at an address from top to bottom, as a person who scrolls through it. */
async function lookThrough(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await untilLoaded(page)
  await page.waitForLoadState('load')
  for (let turn = 0; turn < 60; turn++) {
    const isAtEnd = await page.evaluate(async () => {
      const boxes = [document.scrollingElement, ...document.querySelectorAll('main *')].filter(
        box => box !== null && box.scrollHeight > box.clientHeight + 8,
      )
      let moved = false
      for (const box of boxes) {
        const before = box?.scrollTop
        box?.scrollBy(0, 700)
        moved ||= before !== box?.scrollTop
      }
      await new Promise(resolve => requestAnimationFrame(resolve))
      return !moved
    })
    if (isAtEnd) return
  }
}

describePages('texts that a careless page would run', () => {
  let server: PageServer
  let tasks: EngineServer
  let novelId = ''
  /** One logged each of them, one has each as a parameter and failed with one, one has a sub-task of each. */
  let taskIds: string[] = []

  beforeAll(async () => {
    expect(payloads).toHaveLength(200)
    server = await startServer()
    const chapter = (payload: string, index: number) => {
      // Every tenth chapter is read.
      const read = index % 10 === 0 ? payloads.slice(index, index + 10) : []
      const text = `The lantern stood on the bridge ${payload} and burned.`
      return [`# Chapter ${index + 1} ${payload}`, payload, text, ...read, ''].join('\n\n')
    }
    const text = `# ${payloads[3]}\n\n${payloads.map(chapter).join('\n')}`
    const imported = await server.importText(text, `${payloads[4]}.md`)
    novelId = imported.novelId
    await server.ended(imported.taskId)
    tasks = await startEngineServer()
    const failed: string[] = []
    for (const message of payloads) {
      // Tags take no controls.
      const tags = [message.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '').slice(0, 90)]
      const orders = [{ do: 'failForGood', message }]
      failed.push(await tasks.submit(orders, { tags, userId: message.slice(0, 90) }))
    }
    const logged = payloads.map(message => ({ do: 'log', message }))
    const subTasks = payloads.map((message, index) => ({
      key: `${index} ${message.slice(0, 60)}`,
      orders: [{ do: 'failForGood', message }],
    }))
    taskIds = [
      await tasks.submit([...logged, { do: 'failForGood', message: payloads[5] ?? '' }]),
      await tasks.submit([{ do: 'submit', subTasks }]),
      ...failed.slice(0, 3),
    ]
    for (const id of [...failed, ...taskIds]) await tasks.ended(id)
  }, 240_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await tasks?.[Symbol.asyncDispose]()
  })

  test('run nowhere in the novel, its reader and its search', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const runs = await watchForRuns(page)
    await lookThrough(page, server.url)
    await lookThrough(page, `${server.url}/novels/${novelId}`)
    await lookThrough(page, `${server.url}/novels/${novelId}?q=lantern%20onerror`)
    const { outline } = await server.ask<{ outline: { chapters: { id: string }[] }[] }>(
      `/v1/novels/${novelId}`,
    )
    const chapters = outline.flatMap(volume => volume.chapters)
    expect(chapters.length).toBeGreaterThan(150)
    for (let at = 0; at < chapters.length; at += sizeOf(40, 10)) {
      const chapterId = chapters[at]?.id ?? ''
      await lookThrough(page, `${server.url}/novels/${novelId}/chapters/${chapterId}`)
      if (at % 40 > 0) continue
      const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
        `/v1/novels/${novelId}/chapters/${chapterId}`,
      )
      await lookThrough(page, `${server.url}/novels/${novelId}/scenes/${scenes[0]?.id ?? ''}`)
    }
    expect(await runs()).toEqual([])
    await page.goto(`${server.url}/novels/${novelId}/chapters/${chapters[3]?.id ?? ''}`)
    await page.getByRole('main').getByText('pwned(').filter({ visible: true }).first().waitFor()
  })

  test('run nowhere in tasks, errors, logs, tags and dead letters', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    const runs = await watchForRuns(page)
    await lookThrough(page, `${tasks.url}/tasks?all=true`)
    await lookThrough(page, `${tasks.url}/dead-letters`)
    for (const id of taskIds.slice(0, sizeOf(3, 5)))
      for (const part of ['log', 'parameters', 'sub-tasks'])
        await lookThrough(page, `${tasks.url}/tasks/${id}?part=${part}`)
    expect(await runs()).toEqual([])
    await page.goto(`${tasks.url}/tasks/${taskIds[0]}`)
    await page.getByRole('main').getByText('pwned(').filter({ visible: true }).first().waitFor()
  })
})

/** A page of another origin that asks the API; returns the status of each answer, or the error of the browser. */
async function askedFrom(page: Page, origin: string, { url, token }: { url: string; token: string }) {
  await page.goto(origin)
  return page.evaluate(
    async ([api, bearer]) => {
      const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
      const body = JSON.stringify({ taskType: 'Scripted', parameters: { orders: [] } })
      const calls = [
        fetch(`${api}/v1/tasks`, { headers }),
        fetch(`${api}/v1/tasks`, { method: 'POST', headers, body }),
      ]
      const answers = await Promise.allSettled(calls)
      return answers.map(answer => (answer.status === 'fulfilled' ? answer.value.status : 'blocked'))
    },
    [url, token] as const,
  )
}

describePages('pages of other origins', () => {
  test('use the API where their origin is allowed, and no other', async () => {
    const studio = createServer((_, response) => response.end('<!doctype html><title>Studio</title>'))
    studio.listen(0, '127.0.0.1')
    await once(studio, 'listening')
    const origin = `http://127.0.0.1:${(studio.address() as AddressInfo).port}`
    const token = 'a-token-of-the-studio'
    try {
      await using server = await startEngineServer({ token, allowedOrigins: [origin] })
      await using opened = await open('about:blank')
      const { page } = opened
      expect(await askedFrom(page, origin, { ...server, token })).toEqual([200, 202])
      const other = origin.replace('127.0.0.1', 'localhost')
      expect(await askedFrom(page, other, { ...server, token })).toEqual(['blocked', 'blocked'])
      for (const problem of opened.problems.splice(0)) expect(problem).toContain('blocked by CORS policy')
    } finally {
      studio.close()
      studio.closeAllConnections()
    }
  })
})
