import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

describePages('the named states of a novel', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  const pageOfNovel = () => `${it.server.url}/novels/${it.novelId}`

  test('are made, compared with now scene by scene, and restored', async () => {
    const [sceneId = ''] = it.sceneIds
    const { content } = await it.scene(sceneId)
    await using opened = await open(pageOfNovel())
    const { page } = opened
    const openDialog = async () => {
      await page.getByRole('button', { name: 'What else can be done' }).click()
      await page.getByRole('menuitem', { name: 'Named states' }).click()
    }
    await openDialog()
    const dialog = page.getByRole('dialog', { name: 'Named states' })
    await dialog.getByLabel('Name', { exact: true }).fill('Before the rewrite')
    await dialog.getByRole('button', { name: 'Name this state' }).click()
    await dialog.locator('[data-snapshot]').getByText('Before the rewrite').waitFor()
    await it.edit(sceneId, { content: 'New words.' })
    await dialog.getByRole('button', { name: 'Compare with now' }).click()
    await dialog.locator('[data-compared]').getByText('2 unchanged, 1 changed, 0 added, 0 deleted').waitFor()
    await dialog.locator('[data-compared] a').waitFor()
    await dialog.getByRole('button', { name: 'Restore' }).click()
    await page
      .getByRole('dialog', { name: 'Restore this state?' })
      .getByRole('button', { name: 'Restore' })
      .click()
    await expect.poll(async () => (await it.scene(sceneId)).content).toBe(content)
    await openDialog()
    await dialog.getByText('Before “Before the rewrite” was restored').waitFor()
  })

  test('of a Chinese novel are counted in characters', async () => {
    const { server } = it
    const { taskId, novelId } = await server.importText('第一章 钟声\n\n阿芸在渡口等了一夜。\n', '渡口.txt')
    await server.ended(taskId)
    await server.post(`/v1/novels/${novelId}/snapshots`, { name: '之前' })
    await using opened = await open(`${server.url}/novels/${novelId}`, { language: 'zh' })
    const { page } = opened
    await page.getByRole('button', { name: '更多操作' }).click()
    await page.getByRole('menuitem', { name: '命名存档' }).click()
    const named = page.locator('[data-snapshot]')
    await named.getByText('1 个场景，10 字').waitFor()
    const [chapter] = (
      await server.ask<{ outline: { chapters: { id: string }[] }[] }>(`/v1/novels/${novelId}`)
    ).outline.flatMap(({ chapters }) => chapters)
    const first = await server.ask<{ scenes: { id: string }[] }>(
      `/v1/novels/${novelId}/chapters/${chapter?.id}`,
    )
    await it.edit(first.scenes[0]?.id ?? '', { content: '她走了。' })
    await named.getByRole('button', { name: '与现在比较' }).click()
    await named.getByText('已改，当时 10 字，现在 4 字').waitFor()
  })

  test('are shown in Chinese, on a phone, and deleted', async () => {
    await it.server.post(`/v1/novels/${it.novelId}/snapshots`, { name: '改写之前' })
    await using opened = await open(pageOfNovel(), { language: 'zh', width: 375 })
    const { page } = opened
    await page.getByRole('button', { name: '更多操作' }).click()
    await page.getByRole('menuitem', { name: '命名存档' }).click()
    const named = page.locator('[data-snapshot]').filter({ hasText: '改写之前' })
    await named.waitFor()
    // An English novel is counted in words.
    await named.getByText(/个场景，[\d,]+ 词/).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await named.getByRole('button', { name: '删除' }).click()
    await page.getByRole('dialog', { name: '删除这个存档？' }).getByRole('button', { name: '删除' }).click()
    await named.waitFor({ state: 'detached' })
  })
})
