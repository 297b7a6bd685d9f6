import { readFileSync } from 'node:fs'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EngineServer, startEngineServer } from './kit/engine-server.ts'
import { describePages, open, untilFocused } from './kit/kit.ts'

/** Waits in the queue all through the tests. */
const later = { delay: '1h' }
const quick = [{ do: 'succeed' }]
const hopeless = [{ do: 'failForGood', message: 'no paper left' }]

const rowsOf = (page: Page) => page.locator('[data-task-id]')
const rowOf = (page: Page, id: string) => page.locator(`[data-task-id="${id}"]`)
const idsOf = (rows: Locator) => rows.evaluateAll(all => all.map(row => row.getAttribute('data-task-id')))

describePages('the list of tasks', () => {
  let server: EngineServer
  beforeAll(async () => {
    server = await startEngineServer()
  }, 300_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  /** Submits `count` tasks with a tag, one after the other. Returns their ids, newest first. */
  async function submitMany(tag: string, count: number, orders: readonly object[], fields: object = {}) {
    const ids: string[] = []
    for (let index = 0; index < count; index++)
      ids.unshift(await submitAlone(orders, { tags: [tag], ...fields }))
    return ids
  }

  /** Submits a task, and lets its millisecond pass: tasks of one millisecond are listed in the order of their ids, which is any. */
  async function submitAlone(orders: readonly object[], fields: object): Promise<string> {
    const id = await server.submit(orders, fields)
    const submittedAt = Date.now()
    while (Date.now() === submittedAt) await new Promise(setImmediate)
    return id
  }

  /** The status of a task that ends soon, once it has. */
  async function ended(id: string): Promise<string> {
    let status = ''
    await expect
      .poll(async () => {
        const task = await server.ask<{ status: string; done: boolean }>(`/v1/tasks/${id}`)
        status = task.status
        return task.done
      })
      .toBe(true)
    return status
  }

  test('a row says what a task is, how it stands, and what went wrong', async () => {
    const failed = await server.submit(hopeless, { tags: ['of-the-harbour', 'says'] })
    await ended(failed)
    await using opened = await open(`${server.url}/tasks?tag=says`)
    const row = rowOf(opened.page, failed)
    await row.getByText('Failed', { exact: true }).waitFor()
    await row.getByRole('link', { name: 'Scripted' }).waitFor()
    await row.getByText('no paper left').waitFor()
    await row.getByText('of-the-harbour').waitFor()
    await opened.page.getByText('That is the only task').waitFor()
    expect(await opened.page.getByRole('columnheader').allTextContents()).toEqual(
      expect.arrayContaining(['Status', 'Task', 'Progress', 'Attempts', 'Submitted', 'Time taken']),
    )
  })

  test('a view is saved, shown again and removed; the list is taken along as CSV', async () => {
    const failed = await server.submit(hopeless, { tags: ['=view'] })
    await ended(failed)
    await using opened = await open(`${server.url}/tasks?code=HANDLER_FAILED&tag=%3Dview`)
    const { page } = opened
    await rowOf(page, failed).waitFor()
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('menuitem', { name: 'Save this view' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Broken ones')
    await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click()
    await page.goto(`${server.url}/tasks`)
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('menuitem', { name: 'Broken ones' }).click()
    await page.waitForURL(/code=HANDLER_FAILED/)
    await expect.poll(() => idsOf(rowsOf(page))).toEqual([failed])
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('button', { name: 'Export' })
        .click()
        .then(() => page.getByRole('menuitem', { name: /CSV/ }).click()),
    ])
    const lines = readFileSync(await file.path(), 'utf8').split('\r\n')
    expect(lines[1]).toContain(`${failed},Scripted,FAILED`)
    expect(lines[1]).toContain(`'=view`)
    expect(lines).toHaveLength(3)
    await page.getByRole('button', { name: 'Views' }).click()
    await page.getByRole('button', { name: 'Remove the view Broken ones' }).click()
    await page.getByText('No view is saved yet').waitFor()
  })

  test('filters and order are in the address: a reload, the way back and a pasted link show the same', async () => {
    const failed = await submitMany('address', 2, hopeless)
    const done = await submitMany('address', 2, quick)
    for (const id of [...failed, ...done]) await ended(id)
    await using opened = await open(`${server.url}/tasks?tag=address`)
    const { page } = opened
    await rowOf(page, done[1] ?? '').waitFor()
    expect(await idsOf(rowsOf(page))).toEqual([...done, ...failed])
    const tile = page.getByRole('group', { name: 'Tasks by status' }).getByRole('button', { name: 'Failed' })
    await tile.click()
    await expect.poll(() => idsOf(rowsOf(page))).toEqual(failed)
    expect(await tile.getAttribute('aria-pressed')).toBe('true')
    await page.getByRole('combobox', { name: 'Order' }).click()
    await page.getByRole('option', { name: 'Oldest first' }).click()
    await page.waitForFunction(
      id => document.querySelector('[data-task-id]')?.getAttribute('data-task-id') === id,
      failed[1],
    )
    const link = page.url()
    expect(link).toMatch(/order=oldest/)
    await page.reload()
    await rowOf(page, failed[0] ?? '').waitFor()
    expect(await idsOf(rowsOf(page))).toEqual([...failed].reverse())
    await page.goBack()
    await page.waitForFunction(
      id => document.querySelector('[data-task-id]')?.getAttribute('data-task-id') === id,
      failed[0],
    )
    await using pasted = await open(link)
    await rowOf(pasted.page, failed[0] ?? '').waitFor()
    expect(await idsOf(rowsOf(pasted.page))).toEqual([...failed].reverse())
  })

  test('the rarer filters take effect when they are typed, and are cleared together', async () => {
    const [mine = ''] = await submitMany('typed', 1, quick, { userId: 'bertha' })
    const [other = ''] = await submitMany('typed', 1, quick, { userId: 'carl' })
    await using opened = await open(`${server.url}/tasks`)
    const { page } = opened
    await page.getByRole('button', { name: 'More filters' }).click()
    await page.getByLabel('Tag').fill('typed')
    await page.getByLabel('Tag').press('Enter')
    await page.waitForURL(/tag=typed/)
    await untilFocused(page.getByLabel('Tag'))
    await page.getByLabel('User').fill('bertha')
    await page.getByLabel('User').press('Enter')
    await expect.poll(() => idsOf(rowsOf(page))).toEqual([mine])
    await page.getByLabel('Submitted before').fill('2020-01-01T00:00')
    await page.getByLabel('Submitted before').press('Enter')
    await page.getByRole('heading', { name: 'No task fits' }).waitFor()
    expect(page.url()).toMatch(/before=2019-12-31T23/)
    await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).last().click()
    await rowOf(page, other).waitFor()
    expect(new URL(page.url()).search).toBe('')
  })

  test('sub-tasks are shown where they are asked for, and their parent counts them', async () => {
    const { id } = await server.post<{ id: string }>('/v1/tasks', {
      taskType: 'ScriptedParent',
      tags: ['family'],
      parameters: {
        orders: [
          {
            do: 'submit',
            subTasks: [
              { key: 'good', orders: quick },
              { key: 'bad', orders: hopeless },
            ],
          },
        ],
      },
    })
    await ended(id)
    await using opened = await open(`${server.url}/tasks?type=Scripted&type=ScriptedParent`)
    const { page } = opened
    await rowOf(page, id).getByText('2 of 2').waitFor()
    await rowOf(page, id).getByText('1 failed').waitFor()
    const { items } = await server.ask<{ items: { id: string }[] }>(`/v1/tasks/${id}/children`)
    const child = items[0]?.id ?? ''
    expect(await rowOf(page, child).count()).toBe(0)
    await page.getByRole('switch', { name: 'Sub-tasks too' }).click({ force: true })
    await rowOf(page, child).waitFor()
  })

  test('a row changes where it is; one that no longer fits stays until the list is read again', async () => {
    const [id = ''] = await submitMany('changing', 1, quick, later)
    await using opened = await open(`${server.url}/tasks?status=QUEUED&tag=changing`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await rowOf(page, id).getByText('Waiting', { exact: true }).waitFor()
    await server.post(`/v1/tasks/${id}:cancel`)
    await rowOf(page, id).getByText('Cancelled', { exact: true }).waitFor()
    await rowOf(page, id).getByText('No longer fits the filter').waitFor()
    await page.getByRole('button', { name: 'Read the list again' }).click()
    await page.getByRole('heading', { name: 'No task fits' }).waitFor()
  })

  test('new tasks come in at the beginning; further down they are announced, and nothing moves', async () => {
    const first = await submitMany('arriving', 40, quick, later)
    await using opened = await open(`${server.url}/tasks?tag=arriving`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await rowOf(page, first[0] ?? '').waitFor()
    const [second = ''] = await submitMany('arriving', 1, quick, later)
    await rowOf(page, second).waitFor()
    expect((await idsOf(rowsOf(page))).slice(0, 2)).toEqual([second, first[0]])
    await page.evaluate(() => window.scrollTo(0, 900))
    const near = first[20] ?? ''
    await rowOf(page, near).waitFor()
    const before = await rowOf(page, near).boundingBox()
    const [newest = ''] = await submitMany('arriving', 2, quick, later)
    const announced = page.getByRole('button', { name: '2 new tasks' })
    await announced.waitFor()
    expect(await rowOf(page, near).boundingBox()).toEqual(before)
    await announced.click()
    await rowOf(page, newest).waitFor()
    expect(await page.evaluate(() => window.scrollY)).toBe(0)
  })

  test('a row that ended while nothing was reported says so, and stays', async () => {
    const [id = '', other = ''] = await submitMany('unreported', 2, quick, later)
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route('**/v1/events*', route => route.abort())
    await page.goto(`${server.url}/tasks?status=QUEUED&tag=unreported`)
    await rowOf(page, id).getByText('Waiting', { exact: true }).waitFor()
    await server.post(`/v1/tasks/${id}:cancel`)
    await page.unroute('**/v1/events*')
    await page.locator('[data-live=live]').waitFor()
    await rowOf(page, id).getByText('Cancelled', { exact: true }).waitFor()
    await rowOf(page, other).getByText('Waiting', { exact: true }).waitFor()
  })

  test('rows that new tasks push beyond the size of their page are read again with it', async () => {
    const [first = ''] = await submitMany('pushed', 50, quick, later)
    await using opened = await open(`${server.url}/tasks?tag=pushed`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await rowOf(page, first).waitFor()
    // The first page stays in view.
    await page.evaluate(() => window.scrollTo(0, 300))
    const asked: string[] = []
    page.on('request', request => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/v1/tasks') asked.push(searchParams.get('pageSize') ?? '')
    })
    await submitMany('pushed', 2, quick, later)
    await page.getByRole('button', { name: '2 new tasks' }).waitFor()
    await expect.poll(() => asked).toContain('52')
  })

  test('pages follow one another, few rows are drawn, and who comes back from a task finds the same place', async () => {
    const ids = await submitMany('paged', 130, quick, later)
    await using opened = await open(`${server.url}/tasks?tag=paged`)
    const { page } = opened
    await rowOf(page, ids[0] ?? '').waitFor()
    await page.getByText('50 tasks so far').waitFor()
    for (const shown of ['100 tasks so far', 'Those are all 130 tasks']) {
      // By the keyboard: rows take their height when they are drawn, and move the button away under a pointer.
      await page.getByRole('button', { name: 'Show more' }).press('Enter')
      await page.getByText(shown).waitFor()
    }
    expect(await rowsOf(page).count()).toBeLessThan(60)
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    const far = rowOf(page, ids[120] ?? '')
    await far.waitFor()
    const before = await page.evaluate(() => window.scrollY)
    await far.getByRole('link').click()
    await page.waitForURL(`**/tasks/${ids[120]}**`)
    await page.goBack()
    await far.waitFor()
    await page.waitForFunction(y => Math.abs(window.scrollY - y) < 5, before)
    await page.getByText('Those are all 130 tasks').waitFor()
  })

  test('one asks the server for the first page alone', async () => {
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    const asked: string[] = []
    page.on('request', request => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/v1/tasks')
        asked.push(`${searchParams.get('pageSize')} ${searchParams.get('pageToken')}`)
    })
    await page.getByRole('link', { name: 'Tasks' }).click()
    await rowsOf(page).first().waitFor()
    // It may be asked for twice: what was read before the stream of events stood is read again.
    expect([...new Set(asked)]).toEqual(['50 null'])
  })

  test('keys: from row to row, open, cancel and try again', async () => {
    const [newer = '', older = ''] = await submitMany('keys', 2, quick, later)
    await using opened = await open(`${server.url}/tasks?tag=keys`)
    const { page } = opened
    await rowOf(page, older).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.waitForFunction(id => document.activeElement?.getAttribute('data-task-id') === id, older)
    await page.keyboard.press('k')
    await page.waitForFunction(id => document.activeElement?.getAttribute('data-task-id') === id, newer)
    await page.keyboard.press('c')
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the task' }).click()
    await rowOf(page, newer).getByText('Cancelled', { exact: true }).waitFor()
    expect(await ended(newer)).toBe('CANCELLED')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await rowOf(page, newer).focus()
    await page.keyboard.press('r')
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click()
    await rowOf(page, newer).getByText('Done', { exact: true }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await rowOf(page, older).focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/tasks/${older}**`)
  })

  test('many at once: what can be done to how many, and to which it cannot', async () => {
    const waiting = await submitMany('many', 3, quick, later)
    const [done = ''] = await submitMany('many', 1, quick)
    await ended(done)
    await using opened = await open(`${server.url}/tasks?tag=many`)
    const { page } = opened
    await rowOf(page, waiting[2] ?? '').waitFor()
    await rowOf(page, done).getByRole('checkbox').click()
    await rowOf(page, waiting[2] ?? '')
      .getByRole('checkbox')
      .click({ modifiers: ['Shift'] })
    const bar = page.getByRole('region', { name: 'What to do with the selected tasks' })
    await bar.getByText('4 selected').waitFor()
    await bar.getByRole('button', { name: 'Cancel' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel 3 tasks?' })
    await dialog.getByText('One cannot be cancelled:').waitFor()
    await dialog.getByText(`…${done.slice(-6)} – has already ended`).waitFor()
    await dialog.getByRole('button', { name: 'Cancel 3 tasks' }).click()
    await page.getByText('3 done').waitFor()
    for (const id of waiting) expect(await ended(id)).toBe('CANCELLED')
    expect(await ended(done)).toBe('COMPLETED')
    await page.goto(`${server.url}/tasks?tag=many`)
    await rowOf(page, waiting[0] ?? '')
      .getByText('Cancelled', { exact: true })
      .waitFor()
    await rowOf(page, waiting[0] ?? '')
      .getByRole('checkbox')
      .click()
    await bar.getByText('1 selected').waitFor()
    await bar.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('dialog', { name: 'Try the task again?' }).waitFor()
  })

  test('all that match, on pages that are not read too: a preview, and a task that does it', async () => {
    await submitMany('every', 60, quick, later)
    await using opened = await open(`${server.url}/tasks?tag=every`)
    const { page } = opened
    await page.getByRole('button', { name: 'All that match' }).click()
    await page.getByRole('menuitem', { name: 'Add tags to all' }).click()
    const adding = page.getByRole('dialog', { name: 'Add tags?' })
    await adding.getByRole('button', { name: 'Go on' }).click()
    await adding.getByText('Choose at least one.').waitFor()
    await adding.getByRole('combobox', { name: 'Tags' }).fill('marked')
    await adding.getByRole('combobox', { name: 'Tags' }).press('Enter')
    await adding.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('60 tasks get the tags: marked.').waitFor()
    await page.getByRole('button', { name: 'Add to 60 tasks' }).click()
    await page.getByRole('heading', { name: 'Bulk action' }).waitFor()
    await page.getByText('60 done').waitFor()
    await page.goto(`${server.url}/tasks?tag=marked`)
    await page.getByRole('button', { name: 'All that match' }).click()
    await page.getByRole('menuitem', { name: 'Move all that wait to another lane' }).click()
    await page.getByRole('combobox', { name: 'Lane' }).click()
    await page.getByRole('option', { name: 'bulk' }).click()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('Of 60 tasks those that wait then wait in the lane bulk.').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('button', { name: 'All that match' }).click()
    await page.getByRole('menuitem', { name: 'Cancel all' }).click()
    const dialog = page.getByRole('dialog', { name: 'Cancel all that match?' })
    await dialog.getByText('This cancels 60 tasks').waitFor()
    await dialog.getByText('The first 5 are named.').waitFor()
    await dialog.getByRole('button', { name: 'Cancel 60 tasks' }).click()
    await page.getByRole('heading', { name: 'Bulk action' }).waitFor()
    await page.getByText('60 done').waitFor()
    const { items } = await server.ask<{ items: object[] }>(
      '/v1/tasks?tag=every&status=CANCELLED&pageSize=200',
    )
    expect(items).toHaveLength(60)
  })

  test('what the server refuses is told by task, and can be asked for once more', async () => {
    const parent = await server.submit([
      { do: 'submit', subTasks: [{ key: 'waits', orders: [{ do: 'hang' }] }] },
    ])
    const children = async () =>
      (await server.ask<{ items: { id: string; status: string }[] }>(`/v1/tasks/${parent}/children`)).items
    await expect.poll(async () => (await children()).length).toBe(1)
    await server.post(`/v1/tasks/${parent}:cancel`)
    const [child] = await children()
    await ended(child?.id ?? '')
    await using opened = await open(`${server.url}/tasks?status=CANCELLED&all=true`)
    const { page } = opened
    const row = rowOf(page, child?.id ?? '')
    await row.getByRole('button', { name: 'Actions' }).click()
    await page.getByRole('menuitem', { name: 'Try again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click()
    const report = page.getByRole('dialog', { name: 'Started again what could be' })
    await report.getByText('Code: TASK_NOT_RETRYABLE').waitFor()
    await report.getByText('retry the parent instead').waitFor()
    await report.getByText(`…${child?.id.slice(-6)}`).waitFor()
    await server.post(`/v1/tasks/${parent}:retry`)
    await report.getByRole('button', { name: 'Once more for the one that failed' }).click()
    await report.getByText('Code: TASK_NOT_RETRYABLE').waitFor()
    await report.getByRole('button', { name: 'Close' }).last().click()
    await server.post(`/v1/tasks/${parent}:cancel`)
  })

  test('an id, or its beginning, leads to its task', async () => {
    const id = await server.submit(quick, { tags: ['found'] })
    await using opened = await open(`${server.url}/tasks?tag=nothing-has-it`)
    const { page } = opened
    await page.getByRole('heading', { name: 'No task fits' }).waitFor()
    await page.keyboard.press('/')
    const box = page.getByRole('textbox', { name: 'Task id' })
    await page.route('**/v1/tasks/f*', async route => {
      // While it looks, the keys stay where they are.
      await page.locator('[aria-busy=true]').and(box).waitFor()
      await untilFocused(box)
      expect(await box.isEnabled()).toBe(true)
      await route.continue()
    })
    for (const [typed, told] of [
      ['ffffffff-ffff-4fff-8fff-ffffffffffff', 'No task with such an id was found.'],
      ['zzz', 'No task with such an id was found.'],
    ] as const) {
      await box.fill(typed)
      await box.press('Enter')
      await page.getByText(told).waitFor()
    }
    await page.unroute('**/v1/tasks/f*')
    await box.fill(id.slice(0, 30))
    await box.press('Enter')
    await page.waitForURL(`**/tasks/${id}**`)
    await page.goBack()
    await box.fill(id)
    await box.press('Enter')
    await page.waitForURL(`**/tasks/${id}**`)
  })

  test('a phone gets cards, in Chinese too, and nothing is wider than it', async () => {
    const tag = 'phone'
    const [failed = ''] = await submitMany(tag, 1, hopeless)
    await submitMany(tag, 60, quick, later)
    await ended(failed)
    await using opened = await open(`${server.url}/tasks?tag=${tag}`, {
      width: 360,
      height: 740,
      language: 'zh',
    })
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: '任务' }).waitFor()
    await rowsOf(page).first().getByText('等待中').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    // The rows above the end take their height only when they are drawn, so the end moves away under whoever scrolls there.
    await page.getByRole('button', { name: '显示更多' }).press('Enter')
    await page.getByText('共 61 个任务').waitFor()
    await expect
      .poll(async () => {
        await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
        return rowOf(page, failed).getByText('no paper left').isVisible()
      })
      .toBe(true)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await rowOf(page, failed).getByRole('button', { name: '操作' }).click()
    await page.getByRole('menuitem', { name: '重试' }).click()
    await page.getByRole('dialog', { name: '重试 1 个任务？' }).waitFor()
  })
})
