import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { schedule } from 'quillwork'
import { createApp, type LaneJson, type ScheduleJson } from 'quillwork/http'
import { scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireBuilt } from '../process/cli/quillwork.ts'
import { askingOf, describePages, open, type PageServer, untilLoaded } from './kit/kit.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds serious or critical, and whether the page is wider than its window. */
async function faultsOf(page: Page): Promise<string[]> {
  await untilLoaded(page)
  await page.locator('[data-live=live]').waitFor()
  await page.evaluate(axe)
  const found = await page.evaluate<string[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))",
  )
  const [content = 0, window = 0] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ])
  return content > window ? [...found, `${content} px wide in ${window} px`] : found
}

describePages('the pages of operators', () => {
  const tasks = scriptedTasks()
  let engine: TestEngine
  let app: ReturnType<typeof createApp>
  let url: string
  let asking: Pick<PageServer, 'ask' | 'post'>

  const submit = (orders: readonly object[], fields: object = {}) =>
    asking.post<{ id: string }>('/v1/tasks', { taskType: 'Scripted', parameters: { orders }, ...fields })

  beforeAll(async () => {
    requireBuilt()
    engine = await testEngine({
      tasks: [tasks.scripted],
      lanes: { default: { slots: 2 }, batch: { slots: 1 } },
      schedules: [
        schedule({
          id: 'nightly/report',
          cron: '0 3 * * *',
          task: tasks.scripted,
          parameters: { orders: [{ do: 'succeed' }] },
        }),
      ],
    })
    app = createApp({ engine, pages: fileURLToPath(new URL('../../dist/dashboard/', import.meta.url)) })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    asking = askingOf(url)
    for (let minute = 0; minute < 5; minute++) {
      await submit([
        { do: 'use', model: 'm', inputTokens: 9, outputTokens: 9, cost: 0.02 },
        { do: 'succeed' },
      ])
      await submit([{ do: 'fail', attempts: 1 }])
      await engine.jump('1m')
      await engine.drain()
    }
    await submit([{ do: 'failForGood', message: 'no paper' }])
    await engine.lanes.pause('batch')
    await submit([{ do: 'succeed' }], { lane: 'batch' })
    await engine.drain()
  }, 120_000)
  afterAll(async () => {
    const closing = app.close()
    app.server.closeAllConnections()
    await closing
    await engine[Symbol.asyncDispose]()
  })

  test('a server without novels opens on the overview: what is wrong first, then what was done, in words and as tables', async () => {
    await using opened = await open(url)
    const { page } = opened
    await page.waitForURL(`${url}/overview`)
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    const paused = page.locator('[data-problem=lane-paused]')
    await paused.getByText('The lane batch is paused, and one task waits in it.').waitFor()
    await page.locator('[data-problem=dead-letters]').getByText('One task failed for good').waitFor()
    const ended = page.locator('section', { has: page.getByRole('heading', { name: 'Tasks that ended' }) })
    await ended
      .locator('[data-chart-text]')
      .getByText(/^10 done and 1 failed: 0\.18 a minute\.$/)
      .waitFor()
    await ended.getByRole('img', { name: /^Tasks that ended\. 10 done/ }).waitFor()
    await ended.getByText(/^As a table/).click()
    await ended.getByRole('columnheader', { name: 'Done' }).waitFor()
    await page.getByRole('img', { name: /^Cost\. 0\.1 for 5 calls of models\.$/ }).waitFor()
    await page.getByRole('img', { name: 'Retries. 5 attempts were tried again.' }).waitFor()
    await page.getByRole('button', { name: 'Show Scripted alone' }).click()
    await page.waitForURL(/type=Scripted/)
    await page.getByText('Last week').click()
    await page.waitForURL(/range=week/)
    await page.getByRole('button', { name: 'Only Scripted' }).click()
    await page.waitForURL(url => url.search === '?range=week')
    expect(await faultsOf(page)).toEqual([])
    await paused.getByRole('link', { name: 'To the lanes' }).click()
    await page.waitForURL(`${url}/lanes`)
  })

  test('lanes say why their tasks wait, and are paused and resumed', async () => {
    await using opened = await open(`${url}/lanes`, { theme: 'dark' })
    const { page } = opened
    const batch = page.locator('[data-lane=batch]')
    await batch.locator('[data-waits-for=paused]').waitFor()
    await batch.getByRole('row', { name: 'Running 0 of 1 slots' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.locator('[data-lane=default]').getByRole('button', { name: 'Pause: default' }).click()
    await page.getByText('The lane default is paused.').waitFor()
    await page.locator('[data-lane=default] [data-state=paused]').waitFor()
    await page.getByRole('button', { name: 'Resume: default' }).click()
    await page.locator('[data-lane=default] [data-state=open]').waitFor()
    const { items } = await asking.ask<{ items: LaneJson[] }>('/v1/lanes')
    expect(items.map(({ lane, paused }) => [lane, paused])).toEqual([
      ['default', false],
      ['batch', true],
    ])
    await batch.getByRole('button', { name: 'Slots of the lane batch' }).click()
    const slots = page.getByRole('dialog', { name: 'Slots of the lane batch' })
    await slots.getByRole('textbox', { name: 'Slots in each process' }).fill('3')
    await slots.getByRole('button', { name: 'Set the slots' }).click()
    await batch.getByRole('row', { name: 'Running 0 of 3 slots' }).waitFor()
    await batch.locator('[data-set-slots="3"]').waitFor()
    await batch.getByRole('link', { name: 'Tasks of the lane batch' }).click()
    await page.waitForURL(/\/tasks\?lane=batch/)
  })

  test('schedules show their ticks, and are paused, resumed and run after a question', async () => {
    await using opened = await open(`${url}/overview`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    const card = page.locator('[data-schedule="nightly/report"]')
    await card.getByText('It has submitted no task yet.').waitFor()
    await card.getByText('The next 10 ticks').click()
    await expect.poll(() => card.getByRole('listitem').count()).toBe(10)
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'New schedule' }).click()
    const form = page.getByRole('dialog', { name: 'New schedule' })
    await form.getByLabel('Name').fill('weekdays')
    await form.getByLabel('Cron expression').fill('0 9 * * 1-5')
    await form.locator('[data-ticks="10"]').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await form.getByRole('combobox', { name: 'Task', exact: true }).click()
    await page.getByRole('option', { name: 'Scripted' }).click()
    await form.getByLabel('Parameters, as JSON').fill('{"orders": [{"do": "succeed"}]}')
    await form.getByRole('button', { name: 'Make it' }).click()
    const made = page.locator('[data-schedule=weekdays]')
    await made.getByRole('button', { name: 'Change: weekdays' }).click()
    const edit = page.getByRole('dialog', { name: 'Change weekdays' })
    await expect.poll(() => edit.getByLabel('Parameters, as JSON').inputValue()).toContain('succeed')
    await edit.getByLabel('Cron expression').fill('@every 2h')
    await edit.getByLabel('Time zone').fill('')
    await edit.getByRole('button', { name: 'Save' }).click()
    await made.getByRole('row', { name: 'Cron expression @every 2h' }).waitFor()
    await made.getByRole('row', { name: 'Time zone UTC' }).waitFor()
    await made.getByRole('button', { name: 'Remove: weekdays' }).click()
    await page
      .getByRole('dialog', { name: 'Remove the schedule?' })
      .getByRole('button', { name: 'Remove' })
      .click()
    await page.getByText('The schedule weekdays is removed.').waitFor()
    await made.waitFor({ state: 'detached' })
    await card.getByRole('button', { name: 'Pause: nightly/report' }).click()
    await card.locator('[data-state=paused]').waitFor()
    await card.getByRole('button', { name: 'Run now: nightly/report' }).click()
    const dialog = page.getByRole('dialog', { name: 'Run its task now?' })
    await dialog.getByRole('button', { name: 'Run it' }).click()
    await page.getByText('The task of nightly/report is submitted.').waitFor()
    await card.getByRole('link', { name: 'Last task' }).waitFor()
    await card.getByRole('button', { name: 'Resume: nightly/report' }).click()
    await card.locator('[data-state=open]').waitFor()
    const { items } = await asking.ask<{ items: ScheduleJson[] }>('/v1/schedules')
    expect(items).toMatchObject([{ paused: false, lastRun: { taskId: expect.any(String) } }])
  })

  test('workers say what they are and what their slots run', async () => {
    const { id } = await submit([{ do: 'hang' }])
    await engine.drain()
    await using opened = await open(`${url}/lanes`)
    const { page } = opened
    await page.getByRole('link', { name: 'Workers' }).click()
    const card = page.locator(`[data-worker="${engine.settings.nodeId}"]`)
    await card.locator('[data-state=live]').waitFor()
    await card.getByRole('heading', { name: `process ${process.pid}` }).waitFor()
    await card.locator('[data-slots=default]').getByText('1 of 2 slots in use').waitFor()
    await card
      .locator('[data-slots=batch]')
      .getByText(/^0 of \d slots in use$/)
      .waitFor()
    await card.getByText(/lane default · attempt 1$/).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await card.getByRole('link', { name: `Scripted …${id.slice(-6)}` }).click()
    await page.waitForURL(`${url}/tasks/${id}`)
    await asking.post(`/v1/tasks/${id}:cancel`)
    await engine.drain()
    await page.getByRole('link', { name: 'In the audit trail' }).click()
    const line = page.locator('[data-audit]', { hasText: 'POST /v1/tasks/{taskId}:cancel' })
    await line.locator('[data-outcome=done]').waitFor()
    expect(await page.locator('[data-audit]').count()).toBe(1)
  })

  test('events appear as they happen, are filtered, and wait while they are read', async () => {
    await using opened = await open(`${url}/events`, { theme: 'dark' })
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('heading', { name: 'No event yet' }).waitFor()
    const { id } = await submit([{ do: 'fail', attempts: 1, message: 'no ink' }])
    await engine.drain()
    const rows = page.locator('[data-event]')
    await page.locator('[data-event=submitted]').waitFor()
    await page.locator('[data-event=retrying]').getByText('HANDLER_FAILED: no ink').waitFor()
    expect(await faultsOf(page)).toEqual([])
    const before = await rows.count()
    await page.getByRole('button', { name: 'Pause' }).click()
    await engine.jump('1m')
    await engine.drain()
    const waiting = page.getByRole('button', { name: '2 new' })
    await waiting.waitFor()
    expect(await rows.count()).toBe(before)
    await waiting.click()
    await page.locator('[data-event=completed]').waitFor()
    await page.getByRole('button', { name: 'Go on' }).click()
    const lane = page.getByRole('textbox', { name: 'Lane' })
    await lane.fill('batch')
    await lane.press('Enter')
    await page.waitForURL(/\?lane=batch$/)
    await page.getByRole('heading', { name: 'No event fits the filters yet' }).waitFor()
    await page.goto(`${url}/events?task=${id}`)
    await page.getByRole('button', { name: 'Clear filters' }).first().waitFor()
  })

  test('the audit trail shows who changed what, line by line, and is filtered and taken along', async () => {
    await asking.post('/v1/lanes/batch:resume')
    await asking.post('/v1/lanes/batch:pause')
    await using opened = await open(`${url}/audit?target=batch`)
    const { page } = opened
    const lines = page.locator('[data-audit]')
    await lines.nth(1).waitFor()
    const open1 = lines.first().getByRole('button', { name: /POST \/v1\/lanes\/\{lane\}:pause$/ })
    await open1.click()
    const changes = page.locator('[data-changes]')
    await changes.getByRole('row', { name: 'paused false true' }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'All of this action' }).click()
    await page.waitForURL(/\/audit\?action=/)
    expect(new URL(page.url()).searchParams.get('target')).toBeNull()
    await page.goto(`${url}/audit?outcome=failed`)
    await page.getByRole('heading', { name: 'No line fits the filters' }).waitFor()
    const downloading = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: 'CSV' }).click()
    expect((await downloading).suggestedFilename()).toBe('audit.csv')
  })

  test('fit a phone, in the other language', async () => {
    await using opened = await open('about:blank', { language: 'zh', width: 320, height: 640 })
    const { page } = opened
    const found: string[] = []
    for (const [place, title] of [
      ['overview', '概览'],
      ['lanes', '队列'],
      ['schedules', '定时任务'],
      ['workers', '工作进程'],
      ['events', '事件'],
      ['audit', '操作记录'],
    ]) {
      await page.goto(`${url}/${place}`)
      await page.getByRole('heading', { level: 1, name: title ?? '' }).waitFor()
      found.push(...(await faultsOf(page)).map(fault => `${place}: ${fault}`))
    }
    expect(found).toEqual([])
    await page.getByRole('button', { name: '打开菜单' }).click()
    const settings = page.getByRole('link', { name: '设置' })
    await settings.click({ trial: true })
    await page.getByRole('link', { name: '概览' }).click()
    await page.waitForURL(`${url}/overview`)
  })
})
