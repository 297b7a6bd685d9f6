import { fileURLToPath } from 'node:url'
import { createApp, type LimitJson } from 'quillwork/http'
import { scriptedTasks, type TestEngine, testEngine } from 'quillwork/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireBuilt } from '../process/cli/quillwork.ts'
import { askingOf, describePages, open, type PageServer } from './kit/kit.ts'

const key = 'openai:main:gpt/5'
const acquire = { do: 'acquire', limit: key }

describePages('limits', () => {
  const tasks = scriptedTasks()
  let engine: TestEngine
  let app: ReturnType<typeof createApp>
  let url: string
  let asking: Pick<PageServer, 'ask' | 'post'>

  beforeAll(async () => {
    requireBuilt()
    engine = await testEngine({
      tasks: [tasks.scripted],
      limits: { [key]: { requestsPerMinute: 60, tokensPerMinute: 90_000 } },
    })
    app = createApp({ engine, pages: fileURLToPath(new URL('../../dist/dashboard/', import.meta.url)) })
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    asking = askingOf(url)
  }, 120_000)
  afterAll(async () => {
    const closing = app.close()
    app.server.closeAllConnections()
    await closing
    await engine[Symbol.asyncDispose]()
  })

  const submit = (orders: readonly object[]) =>
    asking.post<{ id: string }>('/v1/tasks', { taskType: 'Scripted', parameters: { orders } })
  const limit = async () => (await asking.ask<{ items: LimitJson[] }>('/v1/limits')).items[0]
  const statusOf = async (id: string) => (await asking.ask<{ status: string }>(`/v1/tasks/${id}`)).status

  test('says how much is in use, why calls wait, and lets them go on when a person has said so twice', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    await page.clock.install()
    await page.goto(`${url}/limits`)
    const card = page.locator(`[data-limit="${key}"]`)
    await card.locator('[data-state=open]').waitFor()
    await card.getByRole('row', { name: 'Calls within a minute 0 of 60' }).waitFor()

    const refused = await submit([
      { ...acquire, cost: 1_200 },
      { do: 'tooMany', retryAfterMs: 3_600_000 },
    ])
    await engine.drain()
    const { id } = await submit([acquire, { do: 'succeed' }])
    await engine.drain()
    // No event tells of a limit: the page asks now and then.
    await page.clock.fastForward('00:06')
    await card.locator('[data-state=parked]').waitFor()
    await card.getByText(/The provider asked to wait\. The next call is made/).waitFor()
    await card.getByRole('row', { name: 'Waiting for a place 1' }).waitFor()
    await card.getByRole('row', { name: 'Calls within a minute 1 of 60' }).waitFor()
    await card.getByRole('row', { name: /^Tokens within a minute [\d,]+ of 90,000$/ }).waitFor()

    const waits = card.getByRole('region', { name: 'Who waits' })
    const waiter = waits.getByRole('listitem').filter({ hasText: 'waits' })
    await waiter.getByRole('link', { name: `Scripted …${id.slice(-6)}` }).waitFor()
    await waiter.getByText(/call expected/).waitFor()

    await card.getByRole('button', { name: `Reset ${key}` }).click()
    const dialog = page.getByRole('dialog', { name: 'Reset this limit?' })
    await dialog.getByText(key).waitFor()
    await dialog.getByRole('button', { name: 'Back' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect((await limit())?.parkedUntil).toBeDefined()

    await card.getByRole('button', { name: `Reset ${key}` }).click()
    await dialog.getByRole('button', { name: 'Reset the limit' }).click()
    await page.getByText(`${key} is open again.`).waitFor()
    await card.locator('[data-state=open]').waitFor()
    expect((await limit())?.parkedUntil).toBeUndefined()
    await engine.advance('3s')
    expect(await statusOf(id)).toBe('COMPLETED')
    // Otherwise it would be called in the next test.
    await asking.post(`/v1/tasks/${refused.id}:cancel`)
  })

  test('says that one call is made first after a longer wait, in the language of the person', async () => {
    const { id } = await submit([acquire, { do: 'tooMany', retryAfterMs: 3_600_000 }])
    await engine.drain()
    // Otherwise its next attempt would be the one call.
    await asking.post(`/v1/tasks/${id}:cancel`)
    await engine.advance('15m')
    expect(await limit()).toMatchObject({ isProbed: true })
    await using opened = await open(`${url}/limits`, { language: 'zh', theme: 'dark', width: 360 })
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: '限额' }).waitFor()
    await page.locator('[data-state=probed]').getByText('先试一次').waitFor()
    await page.getByText('先单独调用一次').waitFor()
    await submit([acquire, { do: 'hang' }])
    await engine.drain()
    await page.reload()
    await page.getByText('正在单独调用一次').waitFor()
    await page.getByRole('row', { name: '进行中的调用 1' }).waitFor()
  })

  test('says why a reset was refused', async () => {
    await using opened = await open(`${url}/limits`)
    const { page } = opened
    await page.getByRole('button', { name: `Reset ${key}` }).click()
    await page.route('**/v1/limits:reset', route => route.abort())
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Reset the limit' }).click()
    await dialog.getByRole('alert').getByText('The server does not answer.').waitFor()
  })

  test('a limit is changed and set back while it is in use, and says what it was configured to', async () => {
    await using opened = await open(`${url}/limits`)
    const { page } = opened
    const card = page.locator(`[data-limit="${key}"]`)
    await card.getByRole('button', { name: `Change ${key}` }).click()
    const dialog = page.getByRole('dialog', { name: `Change the limit ${key}` })
    const action = dialog.getByRole('button', { name: 'Change the limit' })
    expect(await action.isDisabled(), 'nothing is changed yet').toBe(true)
    expect(await dialog.getByRole('button', { name: 'As configured' }).count()).toBe(0)
    await dialog.getByRole('textbox', { name: 'Calls a minute' }).fill('30')
    await dialog.getByRole('textbox', { name: 'Calls at the same time' }).fill('500')
    await action.click()
    await page.getByText(`The limit ${key} is changed.`).waitFor()
    await card.getByRole('row', { name: /^Calls within a minute \d+ of 30$/ }).waitFor()
    await card.getByText('Calls a minute: set by an operator (configured: 60).').waitFor()
    await card.getByText('Calls at the same time: set by an operator (configured: no limit).').waitFor()
    expect(await limit()).toMatchObject({ setLimit: { requestsPerMinute: 30, concurrency: 500 } })
    await card.getByRole('button', { name: `Change ${key}` }).click()
    await dialog.getByRole('button', { name: 'As configured' }).click()
    await card.getByRole('row', { name: /^Calls within a minute \d+ of 60$/ }).waitFor()
    await card.locator('[data-set-limit]').first().waitFor({ state: 'detached' })
    expect(await limit()).not.toHaveProperty('setLimit')
  })
})
