import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

describePages('usage and cost', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  test('explains itself before any model was called', async () => {
    await using opened = await open(`${it.server.url}/usage`)
    await opened.page.getByRole('heading', { name: 'No model was called in this time' }).waitFor()
    await opened.page.getByRole('link', { name: 'Show all time' }).click()
    await opened.page.getByRole('heading', { name: 'No model was called yet' }).waitFor()
  })

  test('sums what was used by model, novel, task and day, in both languages', async () => {
    it.model.script.add({ answer: { is: 'text', cached: { tokens: 21 } }, times: 1 })
    const sceneId = await it.addScene('Paid')
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters: { novelId: it.novelId, sceneId },
    })
    await it.server.ended(id)
    type Use = { inputTokens: number; cachedInputTokens: number; outputTokens: number; cost: number }
    const { items } = await it.server.ask<{ items: Use[] }>('/v1/usage?by=model')
    const used = await it.server.ask<{ items: Use[] }>(`/v1/tasks/${id}/usage`)
    expect([items[0]?.cachedInputTokens, used.items[0]?.cachedInputTokens]).toEqual([21, 21])
    const tokens = (items[0]?.inputTokens ?? 0) + (items[0]?.outputTokens ?? 0)
    await using opened = await open(`${it.server.url}/usage`)
    const { page } = opened
    const table = page.locator('[data-sums]')
    await table.getByRole('row', { name: new RegExp(`writer 1 ${tokens.toLocaleString('en')}`) }).waitFor()
    await table.getByText(/^[\d,]+ in \(21 from the cache\), [\d,]+ out$/).waitFor()
    await page.locator('[data-chart] canvas').waitFor()
    await page.getByText(/^There were calls on 1 day; most on/).waitFor()
    await page.getByText('Novel', { exact: true }).click()
    await table.getByRole('link', { name: 'book' }).waitFor()
    expect(page.url()).toContain('by=subject')
    await page.getByText('Task', { exact: true }).click()
    await table.getByRole('link', { name: 'Write a scene' }).waitFor()
    await page.reload()
    await table.getByRole('link', { name: 'Write a scene' }).waitFor()
    await page.getByText('中文').click()
    await page.getByRole('heading', { level: 1, name: '用量与费用' }).waitFor()
    await page.getByText(/^共有 1 天调用过模型/).waitFor()
    await table.getByText(/^输入 [\d,]+（缓存命中 21），输出 [\d,]+$/).waitFor()
  })

  test('the table is read again while the page is open', async () => {
    await using opened = await open('about:blank')
    const { page } = opened
    await page.clock.install()
    await page.goto(`${it.server.url}/usage`)
    const table = page.locator('[data-sums]')
    await table.getByRole('row', { name: /^writer 1 / }).waitFor()
    const parameters = { novelId: it.novelId, sceneId: await it.addScene('Paid later') }
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters,
    })
    await it.server.ended(id)
    await page.clock.fastForward('00:31')
    await table.getByRole('row', { name: /^writer 2 / }).waitFor()
  })

  test('shows one novel alone, and takes that back', async () => {
    await using opened = await open(`${it.server.url}/usage?by=subject`)
    const { page } = opened
    await page.getByRole('button', { name: 'Only book' }).click()
    await page.waitForURL(/novel=/)
    await page.getByRole('button', { name: 'Only: book' }).click()
    await page.waitForURL(url => !url.searchParams.has('novel'))
  })
})
