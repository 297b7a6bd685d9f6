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
    const sceneId = await it.addScene('Paid')
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateScene',
      parameters: { novelId: it.novelId, sceneId },
    })
    await it.server.ended(id)
    const { items } = await it.server.ask<{ items: { inputTokens: number; outputTokens: number }[] }>(
      '/v1/usage?by=model',
    )
    const tokens = (items[0]?.inputTokens ?? 0) + (items[0]?.outputTokens ?? 0)
    await using opened = await open(`${it.server.url}/usage`)
    const { page } = opened
    const table = page.locator('[data-sums]')
    await table.getByRole('row', { name: new RegExp(`writer 1 ${tokens.toLocaleString('en')}`) }).waitFor()
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
  })

  test('shows one novel alone, and takes that back', async () => {
    await using opened = await open(`${it.server.url}/usage?by=subject`)
    const { page } = opened
    await page.getByRole('button', { name: 'Only book' }).click()
    await page.getByRole('button', { name: 'Only: book' }).click()
    expect(page.url()).not.toContain('novel=')
  })
})
