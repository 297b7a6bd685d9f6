import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, type Look, type Opened, open } from './kit/kit.ts'

const hostile = '<img src=x onerror="document.title=1">'
/** The machine may have much to do beside this. */

describePages('one task', () => {
  let server: EngineServer
  beforeAll(async () => {
    server = await startEngineServer()
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const openTask = (id: string, search = '', look: Look = {}): Promise<Opened> =>
    open(`${server.url}/tasks/${id}${search}`, look)
  const statusIs = (page: Page, status: string) =>
    page.locator(`main [data-status=${status}]`).first().waitFor()
  const tab = (page: Page, name: string) => page.getByRole('tab', { name, exact: true })

  test('a task that failed says so in plain words first, and runs again with other parameters', async () => {
    const id = await server.submit([{ do: 'failForGood', message: hostile }])
    await server.ended(id)
    await using opened = await openTask(id)
    const { page } = opened
    await statusIs(page, 'FAILED')
    const notice = page.getByRole('alert').filter({ hasText: 'What went wrong' })
    await notice.getByText('It failed for a reason that does not pass by itself.').waitFor()
    await notice.getByText('HANDLER_FAILED').waitFor()
    await notice.getByText(hostile).waitFor()
    await page.getByText(/It needs you: trying again by itself/).waitFor()

    await page.getByRole('button', { name: 'Change and try again' }).click()
    const dialog = page.getByRole('dialog')
    const parameters = dialog.getByLabel('Parameters (JSON)')
    await parameters.fill('{')
    await dialog.getByText(/This is not JSON/).waitFor()
    expect(await dialog.getByRole('button', { name: 'Try again with these' }).isDisabled()).toBe(true)
    await parameters.fill('{"orders": 1}')
    await dialog.getByRole('button', { name: 'Try again with these' }).click()
    await dialog.getByText('PARAMETERS_INVALID').waitFor()
    await parameters.fill('{"orders": [{"do": "succeed", "value": {"answer": 42}}]}')
    await dialog.getByRole('button', { name: 'Try again with these' }).click()
    await statusIs(page, 'COMPLETED')
    await tab(page, 'Result').click()
    await page.getByRole('group', { name: 'Result' }).getByText('42').waitFor()
    await page.getByRole('button', { name: 'It was given up once before' }).click()
    await page.getByText(/Attempt 1: given up .*tried again/).waitFor()
    expect(await page.title()).toBe('Scripted · Quillwork')
  })

  test('the timeline has the calls, the log and the stack of an attempt; a paused lane is named', async () => {
    const id = await server.submit([
      { do: 'use', model: 'm/1', inputTokens: 10, outputTokens: 5, cost: 0.25 },
      { do: 'failForGood', message: 'broken' },
    ])
    await server.ended(id)
    await using opened = await openTask(id, '?part=attempts')
    const { page } = opened
    await page.getByText(/^1 call of a model/).waitFor()
    await page.getByText(/10 tokens in, 5 out/).waitFor()
    await page.getByRole('button', { name: 'Stack trace' }).click()
    await page
      .locator('pre')
      .getByText(/^\s*at /)
      .waitFor()
    await page.getByRole('link', { name: 'Its log' }).click()
    await page.waitForURL(/part=log&attempt=1|attempt=1&part=log/)
    await server.engine.lanes.pause('default')
    try {
      const waiting = await server.submit([{ do: 'succeed', value: 1 }])
      await page.goto(`${server.url}/tasks/${waiting}`)
      await page.getByText('Its lane is paused').waitFor()
    } finally {
      await server.engine.lanes.resume('default')
    }
  })

  test('a task that waits in the queue says so when its lane is paused, while it is looked at', async () => {
    await server.engine.lanes.pause('default')
    try {
      const id = await server.submit([{ do: 'succeed', value: 1 }])
      await using opened = await open('about:blank')
      const { page } = opened
      await page.clock.install()
      // As the server answers before anybody pauses the lane; no event tells of that.
      let isPaused = false
      await page.route('**/v1/lanes', route =>
        isPaused ? route.continue() : route.fulfill({ json: { items: [] } }),
      )
      await page.goto(`${server.url}/tasks/${id}`)
      await page.getByText('It waits in the queue').waitFor()
      isPaused = true
      await page.clock.fastForward('00:06')
      await page.getByText('Its lane is paused').waitFor()
    } finally {
      await server.engine.lanes.resume('default')
    }
  })

  test('a task that waits for its start runs now, and anew once it is done', async () => {
    const id = await server.submit([{ do: 'succeed', value: 1 }], { delay: '3h' })
    await using opened = await openTask(id)
    const { page } = opened
    await page.getByRole('button', { name: 'Run now' }).click()
    await statusIs(page, 'COMPLETED')
    await page.getByRole('button', { name: 'Run it anew' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Run it anew' }).click()
    await page.waitForURL(url => url.pathname.startsWith('/tasks/') && !url.pathname.endsWith(id))
    await statusIs(page, 'COMPLETED')
    await page.getByRole('link', { name: id }).click()
    await page.waitForURL(url => url.pathname.endsWith(id))
  })

  test('a task that failed runs a finished step again that a person ticks, and says that it is paid again', async () => {
    const steps = ['plan', 'write'].map(key => ({ do: 'checkpoint', key }))
    const id = await server.submit([
      ...steps,
      { do: 'failForGood', attempts: 1 },
      { do: 'succeed', value: 1 },
    ])
    await server.ended(id)
    await using opened = await openTask(id)
    const { page } = opened
    await page.getByRole('button', { name: 'Try again', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('steps that are finished are not paid for twice').waitFor()
    await dialog.getByText('2 steps are finished').click()
    await dialog.getByRole('checkbox', { name: 'write' }).click()
    await dialog.getByText('It runs again, and in it one finished step, which is paid again.').waitFor()
    const sent = page.waitForRequest(request => request.url().endsWith(':retry'))
    await dialog.getByRole('button', { name: 'Try again' }).click()
    expect((await sent).postDataJSON()).toEqual({ repeatSteps: ['write'] })
    await statusIs(page, 'COMPLETED')
  })

  test('a task that waits gets other tags, loses its own and keeps its subject, and moves to another lane', async () => {
    const id = await server.submit([{ do: 'hang' }], { delay: '3h', tags: ['chapter-1', 'novel:abc'] })
    await using opened = await openTask(id)
    const { page } = opened
    const choose = async (name: string) => {
      await page.getByRole('button', { name: 'More', exact: true }).click()
      await page.getByRole('menuitem', { name }).click()
    }
    await choose('Edit tags')
    const tags = page.getByRole('dialog', { name: 'Edit the tags' })
    await tags.getByText('novel:abc').waitFor()
    const field = tags.getByRole('combobox', { name: 'Tags' })
    await field.press('Backspace')
    await field.fill('chapter-2')
    await tags.getByRole('button', { name: 'Save the tags' }).click()
    await page.getByText('The tags are saved.').waitFor()
    const facts = page.getByLabel('About this task')
    await facts.getByText('chapter-2').waitFor()
    expect((await server.engine.tasks.get(id)).tags).toEqual(['novel:abc', 'chapter-2'])
    await choose('Edit tags')
    await field.fill('chapter-3')
    await tags.getByRole('button', { name: 'Save the tags' }).click()
    await facts.getByText('chapter-3').waitFor()
    await choose('Edit tags')
    await field.press('Backspace')
    await tags.getByRole('button', { name: 'Save the tags' }).click()
    await facts.getByText('chapter-3').waitFor({ state: 'detached' })
    expect((await server.engine.tasks.get(id)).tags).toEqual(['novel:abc', 'chapter-2'])

    await choose('Move to another lane')
    const move = page.getByRole('dialog', { name: 'Move to another lane?' })
    await move.getByRole('combobox', { name: 'Lane' }).click()
    await page.getByRole('option', { name: 'bulk' }).click()
    await move.getByRole('button', { name: 'Move the task' }).click()
    await page.getByText('The task waits in the lane bulk.').waitFor()
    await facts.getByText('bulk').waitFor()
    expect((await server.engine.tasks.get(id)).lane).toBe('bulk')
  })

  test('the keys c and r ask before they cancel and retry, and the page follows', async () => {
    const id = await server.submit([{ do: 'progress', value: 0.4 }, { do: 'hang' }])
    await using opened = await openTask(id)
    const { page } = opened
    await statusIs(page, 'RUNNING')
    await page.getByRole('progressbar', { name: 'Progress' }).waitFor()
    await page.keyboard.press('c')
    await page.getByRole('dialog').getByText('It stops at the next safe point.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('c')
    const confirming = page.getByRole('dialog').getByRole('button', { name: 'Cancel the task' })
    await confirming.and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Enter')
    await statusIs(page, 'CANCELLED')
    await page.keyboard.press('r')
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click()
    await page.getByText('The task runs again.').waitFor()
    await statusIs(page, 'RUNNING')
    await page.getByText('Attempt 2 · running').waitFor()
    const attempts = page.getByText(/Attempt \d/)
    await expect
      .poll(() => attempts.allTextContents())
      .toEqual(['Attempt 1 · cancelled', 'Attempt 2 · running'])
  })

  test('what was not possible any more is answered in words, in Chinese too', async () => {
    const id = await server.submit([{ do: 'failForGood', attempts: 1 }, { do: 'hang' }])
    await server.ended(id)
    await using opened = await openTask(id, '', { language: 'zh' })
    const { page } = opened
    await page.getByRole('button', { name: '重试', exact: true }).click()
    await page.getByRole('dialog').waitFor()
    await server.post(`/v1/tasks/${id}:retry`)
    await statusIs(page, 'RUNNING')
    await page.getByRole('dialog').getByRole('button', { name: '重试' }).click()
    await page.getByRole('dialog').getByText('在您查看期间任务发生了变化，当前状态：进行中。').waitFor()
  })

  test('a text that is no longer kept is not waited for', async () => {
    const id = await server.submit([{ do: 'write', text: 'Once' }, { do: 'succeed' }])
    await server.ended(id)
    await using opened = await openTask(id, '?part=attempts')
    const { page } = opened
    await tab(page, 'Text').waitFor()
    // As the server answers ten minutes after the task has completed.
    await page.route('**/output', route =>
      route.request().headers()['accept']?.includes('event-stream')
        ? route.fulfill({ status: 204 })
        : route.continue(),
    )
    await tab(page, 'Text').click()
    await page.getByText('What it made is its result.').waitFor()
  })

  test('a task that waits for an answer says for which, and takes it', async () => {
    const id = await server.submit([
      { do: 'waitFor', name: 'approval' },
      { do: 'succeed', value: 7 },
    ])
    await using opened = await openTask(id)
    const { page } = opened
    await page.getByText('Waiting for an answer').first().waitFor()
    await page.getByText('It goes on as soon as somebody sends: approval.').waitFor()
    await page.getByRole('button', { name: 'Send “approval”' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What the task gets (JSON)').fill('{"approved":')
    await dialog.getByText('This is not JSON.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true)
    await dialog.getByLabel('What the task gets (JSON)').fill('{"approved": true}')
    await dialog.getByRole('button', { name: 'Send', exact: true }).click()
    await statusIs(page, 'COMPLETED')
    await tab(page, 'Timeline').click()
    await page.getByText('Attempt 1 · went on to wait').waitFor()
    await page.getByText('waited for an answer or a time').waitFor()
  })

  test('the timeline shows every attempt and the waits between', async () => {
    const id = await server.submit([{ do: 'tooMany', retryAfterMs: 1, attempts: 2 }, { do: 'succeed' }])
    await using opened = await openTask(id, '?part=attempts')
    const { page } = opened
    await statusIs(page, 'COMPLETED')
    const timeline = page.getByRole('list', { name: 'Timeline, oldest first' })
    await timeline.getByText('Attempt 3 · completed').waitFor()
    // The attempts before it are read again after the event that tells of its end.
    const lines = timeline.getByRole('listitem')
    await expect.poll(() => lines.count()).toBe(8)
    const shown = await lines.allTextContents()
    expect(shown[0]).toMatch(/^Submitted/)
    expect(shown.filter(text => /waited for a limit$/.test(text))).toHaveLength(2)
    expect(shown.at(-1)).toMatch(/^Done/)
    expect(shown.join()).not.toMatch(/[\s·]-\d/)
  })

  test('sub-tasks: counted by the record, failed ones first, filtered by the address, opened in place', async () => {
    const id = await server.submit([
      {
        do: 'submit',
        subTasks: [
          { key: 'good', orders: [{ do: 'succeed' }] },
          { key: 'bad', orders: [{ do: 'failForGood', message: `no text ${hostile}` }] },
          {
            key: 'parent',
            orders: [{ do: 'submit', subTasks: [{ key: 'grandchild', orders: [{ do: 'hang' }] }] }],
          },
        ],
      },
    ])
    await using opened = await openTask(id)
    const { page } = opened
    const asked: string[] = []
    page.on('request', request => {
      if (request.url().includes('/children')) asked.push(new URL(request.url()).pathname)
    })
    const counts = page.getByRole('group', { name: 'Sub-tasks by status' })
    await counts.getByRole('button', { name: '1 Failed' }).waitFor()
    await page.reload()
    const rows = page.getByRole('list', { name: 'Sub-tasks', exact: true }).locator('[data-task]')
    await expect.poll(() => rows.count()).toBe(3)
    expect(await rows.first().textContent()).toContain(`bad`)
    await rows.first().getByText(`no text ${hostile}`).waitFor()

    asked.length = 0
    await page.getByRole('button', { name: 'Show the sub-tasks of parent' }).click()
    await page.getByRole('list', { name: 'Sub-tasks of parent' }).getByText('grandchild').waitFor()
    const parentId = await rows.filter({ hasText: /^.*Scripted parent/ }).getAttribute('data-task')
    // Its own are kept up to date; of those below only what was opened is read.
    const below = asked.filter(path => !path.includes(id))
    expect([...new Set(below)]).toEqual([`/v1/tasks/${parentId}/children`])

    await counts.getByRole('button', { name: '1 Failed' }).click()
    await expect.poll(() => rows.count()).toBe(1)
    expect(new URL(page.url()).search).toContain('FAILED')
    await page.reload()
    await expect.poll(() => rows.count()).toBe(1)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByText('It needs you').waitFor()
    await page
      .getByRole('navigation', { name: 'Where this task belongs' })
      .getByRole('link', { name: 'Scripted' })
      .click()
    await counts.waitFor()
    await server.post(`/v1/tasks/${id}:cancel`)
    await counts.getByRole('button', { name: '1 Cancelled' }).waitFor()
  })

  test('a log of 1,000 lines holds only what is seen, follows while one is at its end, and leaves one alone who reads', async () => {
    const lines = Array.from({ length: 990 }, (_, index) => ({
      do: 'log',
      message: `Line ${index} ${hostile}`,
    }))
    const id = await server.submit([...lines, { do: 'hang' }])
    await using opened = await openTask(id, '?part=log')
    const { page } = opened
    const log = page.getByRole('log', { name: 'Log of the task' })
    await log.getByText('Line 989').waitFor()
    expect(await log.getByRole('listitem').count()).toBeLessThan(60)
    await log.focus()
    await page.keyboard.press('Home')
    await log.getByText('Line 0 ').waitFor()
    const toEnd = page.getByRole('button', { name: 'To the newest' })
    await toEnd.waitFor()
    await server.post(`/v1/tasks/${id}:cancel`)
    await statusIs(page, 'CANCELLED')
    await log.getByText('Line 0 ').waitFor()
    await toEnd.click()
    await log.getByText('Line 989').waitFor()
    await page.getByText('Errors', { exact: true }).click()
    await page.waitForURL(/level=error/)
  })

  test('a log that grows leaves alone who went to its beginning, also before the browser has told of it', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => ({ do: 'log', message: `Line ${index}` }))
    const id = await server.submit([...lines, { do: 'hang' }])
    await using opened = await openTask(id, '?part=log')
    const { page } = opened
    const log = page.getByRole('log', { name: 'Log of the task' })
    await log.getByText('Line 299').waitFor()
    await log.evaluate(box => {
      window.addEventListener('scroll', event => event.stopImmediatePropagation(), true)
      box.scrollTop = 0
    })
    const line = { at: Date.now(), attempt: 1, level: 'info', message: 'One more' } as const
    await server.engine.store.attempts.log(id, [line])
    await page.getByText('301 lines').waitFor()
    // What follows a change of the page has run when the frame after the next one is drawn.
    const top = await log.evaluate(
      box =>
        new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(box.scrollTop)))),
    )
    expect(top).toBe(0)
  })

  test('a task that waits for the budget goes on when it is raised on the page', async () => {
    const id = await server.submit(
      [
        { do: 'reserve', tokens: 5_000, spent: 4_000 },
        { do: 'use', model: 'm', inputTokens: 3_000, outputTokens: 1_000 },
        { do: 'succeed' },
      ],
      {
        budget: { tokens: 1_000 },
      },
    )
    await using opened = await openTask(id, '?part=usage')
    const { page } = opened
    await page.getByText('It waits for the budget').waitFor()
    await page.getByText('The next call needs up to 5,000 tokens.').waitFor()
    await page.getByRole('button', { name: 'Raise the budget' }).click()
    await page.getByLabel('Tokens, in and out together').fill('9000')
    await page.getByRole('button', { name: 'Save' }).click()
    await statusIs(page, 'COMPLETED')
    await page.getByText('Spent: 4,000 · Limit: 9,000').waitFor()
    await page.getByRole('row', { name: /^m 1 3,000 0 1,000/ }).waitFor()
  })

  test('a limit of money that is typed and saved with Enter holds beside that of tokens', async () => {
    const id = await server.submit([{ do: 'hang' }], { budget: { tokens: 100_000, cost: 12_345.67 } })
    await using opened = await openTask(id, '?part=usage')
    const { page } = opened
    await page.getByText('Limit: 12,345.67').waitFor()
    await page.getByRole('button', { name: 'Change the limit' }).click()
    const money = page.getByRole('dialog').getByLabel('Money')
    await money.fill('')
    await money.pressSequentially('2.50')
    await money.press('Enter')
    await page.getByText('The budget holds from now on.').waitFor()
    const { budget } = await server.ask<{ budget: unknown }>(`/v1/tasks/${id}/budget`)
    expect(budget).toEqual({ tokens: 100_000, cost: 2.5 })
  })

  test('values: exact large numbers, hostile text as text, and what is too large to be shown is saved instead', async () => {
    const value = { big: '12345678901234567890', text: hostile, deep: { deeper: { deepest: 1 } } }
    const id = await server.submit([{ do: 'succeed', value }])
    await server.ended(id)
    await using opened = await openTask(id, '?part=result')
    const { page } = opened
    const shown = page.getByRole('group', { name: 'Result' })
    await shown.getByText('"12345678901234567890"').waitFor()
    await shown.getByText(JSON.stringify(hostile)).waitFor()
    expect(await shown.getByText('deepest').count()).toBe(0)
    await shown.getByRole('button', { name: /deeper/ }).click()
    await shown.getByText('deepest').waitFor()

    const large = await server.submit([{ do: 'succeed', value: 'x'.repeat(400_000) }])
    await server.ended(large)
    await page.goto(`${server.url}/tasks/${large}?part=result`)
    await page.getByText(/Too large to show here/).waitFor()
    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    expect((await saving).suggestedFilename()).toBe(`${large}-result.json`)
  })

  test('parameters that are too large to be edited on the page can be saved', async () => {
    const orders = [
      { do: 'failForGood', message: 'too much ink' },
      { do: 'succeed', value: 'x'.repeat(400_000) },
    ]
    const id = await server.submit(orders)
    await server.ended(id)
    await using opened = await openTask(id)
    const { page } = opened
    await page.getByRole('button', { name: 'Change and try again' }).click()
    const dialog = page.getByRole('dialog', { name: 'Change' })
    await dialog.getByText(/Too large to show here/).waitFor()
    expect(await dialog.getByRole('textbox').count()).toBe(0)
    await dialog.getByRole('button', { name: 'Download' }).waitFor()
    await page.keyboard.press('Escape')
    await page.goto(`${server.url}/dead-letters?task=${id}`)
    await page.getByRole('dialog').getByRole('button', { name: 'Edit and try again' }).click()
    await page
      .getByRole('dialog', { name: 'Edit and try again' })
      .getByText(/Too large to show here/)
      .waitFor()
  })

  test('the text of a task that writes is shown as it stands', async () => {
    const id = await server.submit([{ do: 'write', text: `Once upon a time. ${hostile}` }, { do: 'hang' }])
    await using opened = await openTask(id)
    const { page } = opened
    await tab(page, 'Text').click()
    await page.getByText(`Once upon a time. ${hostile}`).waitFor()
    await page.getByText(/It is being written/).waitFor()
  })

  test('the text of a task that begins to write while it is looked at is found', async () => {
    const id = await server.submit([{ do: 'write', text: 'Once upon a time.' }, { do: 'hang' }])
    await using opened = await openTask(id, '?part=attempts')
    const { page } = opened
    await tab(page, 'Text').waitFor()
    // As the server answers before the first text; the task has no event after it.
    await page.route(
      '**/output',
      route => route.fulfill({ json: { attempt: 0, text: '', after: '0.0', status: 'RUNNING' } }),
      { times: 1 },
    )
    await page.reload()
    await tab(page, 'Text').click()
    await page.getByText('Once upon a time.').waitFor()
  })

  test('the parts are reached by keyboard, and the open one stands in the address', async () => {
    const id = await server.submit([{ do: 'succeed' }])
    await server.ended(id)
    await using opened = await openTask(id)
    const { page } = opened
    await tab(page, 'Timeline').focus()
    await page.keyboard.press('ArrowRight')
    await page.getByText('Nothing is logged').waitFor()
    expect(new URL(page.url()).searchParams.get('part')).toBe('log')
  })

  test('on a phone the parts stand one below the other, and nothing overflows', async () => {
    const id = await server.submit([{ do: 'failForGood', message: 'word'.repeat(200) }], {
      tags: ['t'.repeat(90)],
    })
    await server.ended(id)
    await using opened = await openTask(id, '', { width: 360, height: 740, language: 'zh', theme: 'dark' })
    const { page } = opened
    await statusIs(page, 'FAILED')
    for (const part of ['日志', '参数', '结果', '用量与预算', '时间线']) {
      const control = page.getByRole('button', { name: part, exact: true })
      await control.click()
      await expect.poll(() => control.getAttribute('aria-expanded')).toBe('true')
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
      ).toBeLessThanOrEqual(0)
    }
  })

  test('a task that there is not, and one that is deleted while it is looked at', async () => {
    await using opened = await openTask('01890000-0000-7000-8000-000000000000')
    const { page } = opened
    await page.getByRole('heading', { name: 'There is no such task' }).waitFor()
    const id = await server.submit([{ do: 'failForGood' }])
    await server.ended(id)
    await page.goto(`${server.url}/tasks/${id}`)
    await page.getByRole('button', { name: 'Try again', exact: true }).click()
    await server.engine.store.tasks.prune({ FAILED: 0 }, 500)
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click()
    await page.getByText('This task was deleted meanwhile').waitFor()
  })
})
