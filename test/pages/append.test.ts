import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer, untilLoaded } from './kit/kit.ts'

const chapter = (number: number, words = 'as ever') =>
  `Chapter ${number}: Lock ${number}\n\nThe barge came to lock ${number}, ${words}.\n\nNobody was there at number ${number}.\n\n`
const book = (...chapters: string[]) => `The Barge\n\n${chapters.join('')}`

interface Outline {
  outline: { chapters: { id: string; title: string }[] }[]
}

describePages('chapters that are added from a file', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer()
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const titles = async (novelId: string) =>
    (await server.ask<Outline>(`/v1/novels/${novelId}`)).outline.flatMap(({ chapters }) =>
      chapters.map(({ title }) => title),
    )

  test('are compared, chosen from and added; a changed text is seen side by side', async () => {
    const { novelId, taskId } = await server.importText(book(chapter(1), chapter(2), chapter(3)), 'barge.txt')
    await server.ended(taskId)
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Add chapters from a file' }).click()
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose a file' }).click(),
    ])
    const text = book(chapter(1), chapter(2, 'late'), chapter(3), chapter(4), chapter(5))
    await chooser.setFiles([{ name: 'newer.txt', mimeType: 'text/plain', buffer: Buffer.from(text) }])
    await page.getByText('2 chapters are new, 1 changed, 2 known.').waitFor()
    await page.getByRole('button', { name: 'Add 2 chapters' }).waitFor()
    await page.getByText('It costs nothing').waitFor()
    await page.getByRole('button', { name: 'Compare the texts' }).click()
    const dialog = page.getByRole('dialog', { name: 'Chapter 2: Lock 2' })
    await dialog.getByText('only in the file', { exact: true }).waitFor()
    await dialog.locator('ins', { hasText: 'late' }).waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.getByLabel('What is done with Chapter 2: Lock 2').selectOption('replace')
    await page.getByLabel('Chapter 5: Lock 5').uncheck()
    await page.getByRole('button', { name: 'Add 1 chapter, take 1 text over' }).click()
    await page.waitForURL(/\/tasks\//)
    const id = /\/tasks\/([\w-]+)/.exec(page.url())?.[1] ?? ''
    await server.ended(id)
    expect(await titles(novelId)).toEqual([1, 2, 3, 4].map(number => `Chapter ${number}: Lock ${number}`))
    const found = await server.ask<{ result: object }>(`/v1/tasks/${id}`)
    expect(found.result).toMatchObject({ added: 1, replaced: 1, skipped: [] })
    await page.goto(`${server.url}/novels/${novelId}`)
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Named states' }).click()
    await page.getByText('Before the texts of “newer.txt” were taken over').waitFor()
  })

  test('are shown in Chinese, on a phone; a file without anything new says so', async () => {
    const story = '第一章 钟声\n\n阿芸在渡口等了一夜。\n\n第二章 归舟\n\n天亮时船空着回来了。\n'
    const { novelId, taskId } = await server.importText(story, '渡口.txt')
    await server.ended(taskId)
    const upload = async (body: string) =>
      server.ask<{ id: string }>('/v1/uploads?fileName=newer.txt', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body,
      })
    const { id } = await upload(`${story}\n第三章 无人\n\n没有人说话。\n`)
    await using opened = await open(`${server.url}/novels/${novelId}/append?upload=${id}`, {
      language: 'zh',
      width: 375,
    })
    const { page } = opened
    await page.getByText('新增 1 章，改动 0 章，已有 2 章。').waitFor()
    await page.getByText('排在“第二章 归舟”之后').waitFor()
    await page.getByRole('button', { name: '添加 1 章' }).waitFor()
    await untilLoaded(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    await page.goto(`${server.url}/novels/${novelId}/append?upload=${(await upload(story)).id}`)
    await page.getByText('文件中的内容小说里都有了。').waitFor()
    await page.getByRole('button', { name: '换一个文件' }).click()
    await page.getByRole('button', { name: '选择文件' }).waitFor()
  })
})
