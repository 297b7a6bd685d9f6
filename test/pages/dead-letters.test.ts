import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, open } from './kit/kit.ts'

const groupOf = (page: Page, words: string) => page.getByRole('article').filter({ hasText: words })
const rowsOf = (page: Page) => page.getByRole('listitem').filter({ has: page.getByText('Failed') })

describePages('what needs attention', () => {
  let server: EngineServer
  beforeAll(async () => {
    server = await startEngineServer()
  }, 300_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  /** Submits tasks that fail for good, on their first attempt unless they are to fail on all; answers their ids once they have failed. */
  async function failing(message: string, count: number, attempts?: number): Promise<string[]> {
    const ids: string[] = []
    const order = { do: 'failForGood', message, ...(attempts === undefined ? {} : { attempts }) }
    for (let index = 0; index < count; index++) ids.push(await server.submit([order]))
    for (const id of ids) await becomes(id, 'FAILED')
    return ids
  }

  async function becomes(id: string, status: string): Promise<void> {
    const read = async () => (await server.ask<{ status: string }>(`/v1/tasks/${id}`)).status
    await expect.poll(read).toBe(status)
  }

  test('says that nothing needs anybody, and shows what does as soon as it does', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    await page.clock.install()
    await page.goto(`${server.url}/dead-letters`)
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('heading', { name: 'Nothing needs you' }).waitFor()
    const entry = page.getByRole('navigation').getByRole('link', { name: 'Needs attention' })
    expect(await entry.textContent()).toBe('Needs attention')
    const [id = ''] = await failing('the ink is dry', 1)
    await groupOf(page, 'the ink is dry').getByText('1 task', { exact: true }).waitFor()
    await entry.getByText('1', { exact: true }).waitFor()
    await server.post(`/v1/dead-letters:purge`, { filter: {} })
    // Taking something off the list is no event of a task; the list is read again now and then.
    await page.clock.fastForward('00:15')
    await page.getByRole('heading', { name: 'Nothing needs you' }).waitFor()
    await becomes(id, 'FAILED')
  })

  test('equal failures stand together; all of them run again, and nothing else does', async () => {
    const together = await failing('chapter 7 has no end', 3, 1)
    const [other = ''] = await failing('the harbour is closed', 1)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    const group = groupOf(page, 'has no end')
    await group.getByText('3 tasks', { exact: true }).waitFor()
    await group.getByRole('button', { name: 'Try all again' }).click()
    const dialog = page.getByRole('dialog', { name: 'Try all of them again?' })
    await dialog.getByText('Scripted · chapter 7 has no end').waitFor()
    await dialog.getByText('3 tasks run again').waitFor()
    for (const id of together) await dialog.getByText(`…${id.slice(-6)}`).waitFor()
    await dialog.getByRole('checkbox', { name: 'In waves of 50' }).check()
    await dialog.getByRole('button', { name: 'Try 3 tasks again' }).click()
    await page.getByRole('heading', { name: 'Bulk action' }).waitFor()
    await page.getByText('3 done · wave 1 · 0 failed again').waitFor()
    for (const id of together) await becomes(id, 'COMPLETED')
    await becomes(other, 'FAILED')
  })

  test('a group that grows stays where it is while it is shown, and what fails meanwhile comes last', async () => {
    await failing('the lamp is out', 2)
    const [first = ''] = await failing('the oil is spent', 1)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    const [lamp, oil] = [groupOf(page, 'the lamp is out'), groupOf(page, 'the oil is spent')]
    const order = async () => {
      const all = await page.getByRole('article').allTextContents()
      return ['the lamp is out', 'the oil is spent'].map(words => all.findIndex(text => text.includes(words)))
    }
    for (const group of [lamp, oil]) await group.waitFor()
    const before = await order()
    await failing('the oil is spent', 3)
    await oil.getByText('4 tasks', { exact: true }).waitFor()
    expect(await order()).toEqual(before)
    await page.reload()
    await oil.getByText('4 tasks', { exact: true }).waitFor()
    await lamp.waitFor()
    expect(await order()).not.toEqual(before)
    await oil.getByRole('link', { name: 'Show them' }).click()
    await page.getByText('4 of 4 shown').waitFor()
    const ids = () => rowsOf(page).evaluateAll(rows => rows.map(row => row.getAttribute('data-task-id')))
    const shown = await ids()
    expect(shown.at(-1)).toBe(first)
    const [last = ''] = await failing('the oil is spent', 1)
    await page.getByText('5 of 5 shown').waitFor()
    await expect.poll(ids).toEqual([...shown, last])
  })

  test('a group and a task of it have an address of their own, and the task is told in full', async () => {
    const [id = ''] = await failing('scene 12 is missing', 2, 1)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    await groupOf(page, 'is missing').getByRole('link', { name: 'Show them' }).click()
    await page.getByText('2 of 2 shown').waitFor()
    const row = page.locator(`[data-task-id="${id}"]`)
    await row.getByRole('button', { name: 'Scripted' }).click()
    const details = page.getByRole('dialog', { name: 'Scripted' })
    for (const told of ['It needs you', 'Code: HANDLER_FAILED', 'Attempt 1', 'failForGood'])
      await details.getByText(told).first().waitFor()
    await using pasted = await open(page.url())
    const same = pasted.page.getByRole('dialog', { name: 'Scripted' })
    await same.getByText('Code: HANDLER_FAILED').waitFor()
    await same.getByRole('button', { name: 'Try again', exact: true }).click()
    await pasted.page.getByText('The task runs again.').waitFor()
    await becomes(id, 'COMPLETED')
    await pasted.page.getByText('1 of 1 shown').waitFor()
    await details.getByText('This task no longer needs attention').waitFor()
    await page.goBack()
    await page.getByText('1 of 1 shown').waitFor()
  })

  test('parameters are edited beside the former ones; what the task does not accept is shown where it stands', async () => {
    const [id = ''] = await failing('the map is torn', 1)
    await using opened = await open(`${server.url}/dead-letters?task=${id}`)
    const { page } = opened
    await page.getByRole('dialog').getByRole('button', { name: 'Edit and try again' }).click()
    const dialog = page.getByRole('dialog', { name: 'Edit and try again' })
    const field = dialog.getByLabel('New parameters')
    const submit = dialog.getByRole('button', { name: 'Try again with these' })
    await field.fill('{ "orders": [')
    await dialog.getByText('This is not JSON yet').waitFor()
    expect(await submit.isDisabled()).toBe(true)
    await field.fill('{\n  "orders": [\n    { "do": "succeed" },\n    "run"\n  ]\n}')
    await submit.click()
    await dialog.getByText('/orders/1').waitFor()
    await dialog.getByRole('button', { name: 'Line 4' }).click()
    const chosen = await field.evaluate((area: HTMLTextAreaElement) =>
      area.value.slice(area.selectionStart, area.selectionEnd),
    )
    expect(chosen).toBe('"run"')
    await dialog.getByText('the map is torn').waitFor()
    await field.fill('{ "orders": [{ "do": "succeed", "value": "mended" }] }')
    await submit.click()
    await page.getByText('The task runs again.').waitFor()
    await becomes(id, 'COMPLETED')
    expect(await server.ask(`/v1/tasks/${id}`)).toMatchObject({ result: 'mended' })
  })

  test('who edits what somebody else has tried again meanwhile is told so, and keeps what was written', async () => {
    const [id = ''] = await failing('the bell is cracked', 1)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    await groupOf(page, 'is cracked').getByRole('link', { name: 'Show it' }).click()
    await page.getByRole('button', { name: 'Edit and try again' }).click()
    const field = page.getByRole('dialog').getByLabel('New parameters')
    await field.fill('{ "orders": [] }')
    await server.post(`/v1/dead-letters/${id}:retry`)
    await becomes(id, 'FAILED')
    await page.getByRole('button', { name: 'Try again with these' }).click()
    await page.getByText('The task has changed meanwhile').waitFor()
    expect(await field.inputValue()).toBe('{ "orders": [] }')
  })

  test('one is taken off the list: it stays as it ended, and the others stay on the list', async () => {
    const [first = '', second = ''] = await failing('the well is deep', 2)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    await groupOf(page, 'is deep').getByRole('link', { name: 'Show them' }).click()
    await page.locator(`[data-task-id="${first}"]`).getByRole('button', { name: 'Take off the list' }).click()
    const dialog = page.getByRole('dialog', { name: 'Take the task off the list?' })
    await dialog.getByText('It stays as it ended').waitFor()
    await dialog.getByText(`…${first.slice(-6)}`).waitFor()
    await dialog.getByRole('button', { name: 'Take off the list' }).click()
    await page.locator(`[data-task-id="${first}"]`).waitFor({ state: 'detached' })
    await page.locator(`[data-task-id="${second}"]`).waitFor()
    expect(await rowsOf(page).count()).toBe(1)
    await becomes(first, 'FAILED')
  })

  test('one of more than a hundred leaves the list; taking the others off wants their number typed', async () => {
    const [id = ''] = await failing('page 3 is blank', 104)
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    const group = groupOf(page, 'is blank')
    await group.getByRole('link', { name: 'Show them' }).click()
    for (const shown of [100, 104]) {
      await page.getByRole('button', { name: 'Show more' }).press('Enter')
      await page.getByText(`${shown} of 104 shown`).waitFor()
    }
    const row = page.locator(`[data-task-id="${id}"]`)
    await row.getByRole('button', { name: 'Take off the list' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take off the list' }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByText('103 of 103 shown').waitFor()
    await page.getByRole('link', { name: 'All that needs attention' }).click()
    await group.getByText('103 tasks', { exact: true }).waitFor()
    await group.getByRole('button', { name: 'Take all off the list' }).click()
    const dialog = page.getByRole('dialog', { name: 'Take all of them off the list?' })
    const verb = dialog.getByRole('button', { name: 'Take 103 tasks off the list' })
    await verb.waitFor()
    expect(await verb.isDisabled()).toBe(true)
    await dialog.getByLabel('Type 103 to confirm').fill('103')
    await verb.click()
    await page.getByText('103 done', { exact: true }).waitFor()
  })

  test('more groups than are told at once: counts say so, and one type of task is asked for', async () => {
    const groupOfType = (taskType: string, number: number) => ({
      fingerprint: `${taskType}-${number}`,
      taskType,
      code: `${taskType.toUpperCase()}_${number}`,
      count: 2,
      firstAt: '2026-01-01T00:00:00.000Z',
      lastAt: '2026-01-01T00:00:00.000Z',
      sampleTaskId: '00000000-0000-7000-8000-000000000000',
    })
    await failing('the count is lost', 1)
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route('**/v1/dead-letters/groups*', route =>
      route.fulfill({
        json: {
          items: route.request().url().includes('taskType=Rare')
            ? [groupOfType('Rare', 1)]
            : Array.from({ length: 200 }, (_, number) => groupOfType('Common', number)),
        },
      }),
    )
    await page.goto(`${server.url}/dead-letters?type=Rare`)
    await page.getByText('At least 400 tasks were given up').waitFor()
    await page.getByRole('navigation').getByText('400+').waitFor()
    await page.getByRole('heading', { name: 'RARE_1', exact: true }).waitFor()
    expect(await page.getByRole('article').count()).toBe(1)
  })

  test('what could not be done to some is told by task, and can be asked for again', async () => {
    const parent = await server.submit([
      { do: 'submit', subTasks: [{ key: 'lost', orders: [{ do: 'failForGood', message: 'a lost key' }] }] },
      { do: 'failForGood', message: 'the door is locked' },
    ])
    await becomes(parent, 'FAILED')
    const { items } = await server.ask<{ items: { id: string }[] }>(`/v1/tasks/${parent}/children`)
    const child = items[0]?.id ?? ''
    const { status } = await server.ask<{ status: string }>(`/v1/tasks/${child}`)
    expect(status).toBe('FAILED')
    await using opened = await open(`${server.url}/dead-letters`)
    const { page } = opened
    await groupOf(page, 'a lost key').getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click()
    const report = page.getByRole('dialog', { name: 'Not all could be tried again' })
    await report.getByText('0 done, 1 failed.').waitFor()
    await report.getByText('Code: TASK_NOT_RETRYABLE').waitFor()
    await report.getByRole('link', { name: `Task …${child.slice(-6)}` }).waitFor()
    await report.getByRole('button', { name: 'Try those again' }).click()
    await report.getByText('0 done, 1 failed.').waitFor()
  })

  test('on a phone and in Chinese', async () => {
    const long = 'the thread that was to hold the whole of the second volume together broke'
    const [id = ''] = await failing(long, 1)
    await using opened = await open(`${server.url}/dead-letters`, { width: 360, height: 740, language: 'zh' })
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: '待处理' }).waitFor()
    await groupOf(page, long).getByRole('link', { name: '查看' }).click()
    await page.getByText('已显示 1 / 1').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await page.locator(`[data-task-id="${id}"]`).getByRole('button', { name: '修改后重试' }).click()
    await page.getByRole('dialog', { name: '修改后重试' }).getByLabel('新参数').waitFor()
  })
})
