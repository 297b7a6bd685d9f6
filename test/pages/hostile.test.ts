import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'
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
  await page.getByRole('heading', { level: 1 }).waitFor()
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
  const taskIds: string[] = []

  beforeAll(async () => {
    expect(payloads).toHaveLength(200)
    server = await startServer()
    const chapter = (payload: string, index: number) =>
      `# Chapter ${index + 1} ${payload}\n\n${payload}\n\nThe lantern stood on the bridge ${payload} and burned.\n`
    const text = `# ${payloads[3]}\n\n${payloads.map(chapter).join('\n')}`
    const imported = await server.importText(text, `${payloads[4]}.md`)
    novelId = imported.novelId
    await server.ended(imported.taskId)
    tasks = await startEngineServer()
    for (const [index, message] of payloads.entries()) {
      const isParent = index % 50 === 0
      const subTasks = [{ key: message.slice(0, 60), orders: [{ do: 'failForGood', message }] }]
      taskIds.push(
        await tasks.submit(
          [
            { do: 'log', message },
            ...(isParent ? [{ do: 'submit', subTasks }] : [{ do: 'failForGood', message }]),
          ],
          { tags: [message.replace(/[\0]/g, '').slice(0, 90)], userId: message.slice(0, 90) },
        ),
      )
    }
    for (const id of taskIds) await tasks.ended(id)
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
    for (let at = 0; at < chapters.length; at += 20) {
      const chapterId = chapters[at]?.id ?? ''
      await lookThrough(page, `${server.url}/novels/${novelId}/chapters/${chapterId}`)
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
    for (let at = 0; at < taskIds.length; at += 10)
      for (const part of ['log', 'parameters', 'sub-tasks'])
        await lookThrough(page, `${tasks.url}/tasks/${taskIds[at]}?part=${part}`)
    expect(await runs()).toEqual([])
    await page.goto(`${tasks.url}/tasks/${taskIds[5]}`)
    await page.getByRole('main').getByText('pwned(').filter({ visible: true }).first().waitFor()
  })
})
