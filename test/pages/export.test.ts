import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'
import { taskOf } from './task-of.ts'

const story = [
  'The Ferry',
  'Chapter 1: Noon',
  'The ferry left at noon.',
  'Chapter 2: Dusk',
  'It came back with nobody aboard.',
  'Chapter 3: Night',
  'The bell rang.',
  '',
].join('\n\n')

/** Does something that has the browser save a file. Answers the file. */
async function saved(page: Page, act: () => Promise<void>): Promise<{ name: string; text: string }> {
  const saving = page.waitForEvent('download')
  await act()
  const file = await saving
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') }
}

/** Whether the beginning of an element is seen, and nothing lies above it. */
function isInView(element: Locator): Promise<boolean> {
  return element.evaluate(each => {
    const { left, top } = each.getBoundingClientRect()
    return each.contains(document.elementFromPoint(left + 4, top + 4))
  })
}

describePages('the export of a novel', () => {
  let server: PageServer
  let novelId = ''
  beforeAll(async () => {
    server = await startServer()
    const imported = await server.importText(story, 'ferry.txt')
    novelId = imported.novelId
    await server.ended(imported.taskId)
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('goes on when its dialog is closed; the file is downloaded when it is there, and again', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page, newTab } = opened
    const dialog = page.getByRole('dialog', { name: 'Export the novel' })
    const button = page.getByRole('button', { name: 'Export', exact: true })
    const submit = dialog.getByRole('button', { name: 'Export', exact: true })
    const pick = async (end: string, chapter: string) => {
      await dialog.getByRole('combobox', { name: end, exact: true }).fill(chapter)
      await page.getByRole('option', { name: chapter }).click()
    }
    await server.post('/v1/lanes/default:pause')
    try {
      await button.click()
      await dialog.getByRole('radio', { name: 'Plain text' }).check()
      await dialog.getByRole('radio', { name: 'Some chapters' }).check()
      // The other end follows: first 1 to 1, then 2 to 2.
      await pick('To', 'Chapter 1: Noon')
      await pick('From', 'Chapter 2: Dusk')
      await submit.click()
      await dialog.locator('[data-export=QUEUED]').waitFor()
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
      await button.click()
      await dialog.locator('[data-export=QUEUED]').waitFor()
      await dialog.getByText('You can close this').waitFor()
    } finally {
      await server.post('/v1/lanes/default:resume')
    }
    const download = dialog.getByRole('button', { name: /^Download: .+\.txt$/ })
    await download.waitFor()
    const part = await saved(page, () => download.click())
    expect(part.name).toMatch(/\.txt$/)
    expect(part.text).toContain('It came back with nobody aboard.')
    expect(part.text).not.toMatch(/The ferry left|The bell rang/)
    await dialog.getByText(/ · 1 chapter · kept until /).waitFor()
    await dialog.getByRole('button', { name: /^Download again: / }).waitFor()
    await dialog.getByRole('radio', { name: 'The whole novel' }).check()
    await dialog.getByRole('radio', { name: 'Plain text' }).check()
    const whole = await saved(page, () => submit.click())
    expect(whole.text).toMatch(/The ferry left at noon\..+It came back.+The bell rang\./s)
    const newest = dialog.locator('[data-export=COMPLETED]').first()
    await newest.getByText(/ · 3 chapters · kept until /).waitFor()

    const { items } = await server.ask<{ items: { id: string; result: { exportId: string } }[] }>(
      '/v1/tasks?taskType=ExportNovel',
    )
    const tab = await newTab(`${server.url}/tasks/${items[0]?.id}`)
    const onItsPage = await saved(tab, () => tab.getByRole('button', { name: /^Download: / }).click())
    expect(onItsPage.text).toBe(whole.text)
    await server.ask(`/v1/exports/${items[0]?.result.exportId}`, { method: 'DELETE' })
    await newest.getByRole('button', { name: /^Download again: / }).click()
    await newest.getByRole('alert').getByText('EXPORT_NOT_FOUND').waitFor()
  })

  test('of an archive is of the whole novel, and the import shows what is in it', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    const dialog = page.getByRole('dialog', { name: 'Export the novel' })
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await dialog.getByRole('radio', { name: 'Some chapters' }).waitFor()
    await dialog.getByRole('radio', { name: 'Archive of Quillwork' }).check()
    expect(await dialog.getByRole('radio', { name: 'Some chapters' }).count()).toBe(0)
    const saving = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Export', exact: true }).click()
    const file = await saving
    expect(file.suggestedFilename()).toMatch(/\.quillwork$/)
    const archive = {
      name: 'kept.quillwork',
      mimeType: 'application/zip',
      buffer: await readFile(await file.path()),
    }
    await page.goto(server.url)
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose a file' }).click(),
    ])
    await chooser.setFiles([archive])
    const contents = page.getByRole('region', { name: 'Everything of a novel' })
    await contents.getByRole('row', { name: 'Summaries 3' }).waitFor()
    expect(await page.getByRole('list', { name: 'Chapters' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
  })

  test('fits a small phone, in Chinese, says what went wrong, and asks for what was chosen', async () => {
    await using opened = await open('about:blank', { language: 'zh', theme: 'dark', width: 320, height: 640 })
    const { page } = opened
    const ended = { status: 'FAILED', done: true } as const
    const error = { code: 'STORE_FULL', errorClass: 'permanent', message: 'disk full' } as const
    const failed = taskOf({
      ...ended,
      taskType: 'ExportNovel',
      parameters: { novelId, format: 'epub' },
      errorInfo: { ...error, authorMessage: '磁盘已满。', retryable: false },
    })
    const begun = taskOf({ id: 'begun', taskType: 'ExportNovel' })
    let items = [failed]
    await page.route(/\/v1\/tasks\?.*taskType=ExportNovel/, route => route.fulfill({ json: { items } }))
    await page.route(`**/v1/novels/${novelId}`, async route => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...((await response.json()) as object), characters: 0 } })
    })
    const problem = { code: 'USER_QUEUE_FULL', detail: 'Full.', authorMessage: '排队的任务太多。' }
    // Refused the first time.
    let isFull = true
    await page.route('**/v1/tasks', route => {
      if (!isFull) items = [begun, failed]
      const answer = isFull ? { status: 429, json: problem } : { status: 202, json: begun }
      isFull = false
      return route.fulfill(answer)
    })
    await page.goto(`${server.url}/novels/${novelId}`)
    await page.getByRole('button', { name: '导出', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: '导出小说' })
    const row = dialog.locator('[data-export=FAILED]')
    await row.getByText('电子书（EPUB）').waitFor()
    await row.getByText('磁盘已满。').waitFor()
    await dialog.getByText('还没有任何正文').waitFor()
    await dialog.getByRole('radio', { name: '投稿稿件' }).check()
    await dialog.getByRole('textbox', { name: '联系方式' }).fill('磨坊巷1号\n\nann@example.org')
    await dialog.getByRole('checkbox', { name: '在正文前后添加文字' }).check()
    await dialog.getByRole('textbox', { name: '正文之前' }).fill('献给安。')
    await dialog.getByRole('radio', { name: '部分章节' }).check()
    await dialog.getByRole('checkbox', { name: '每章一个文件' }).check()
    const sides = await dialog.evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])
    expect(sides[0]).toBe(sides[1])
    await dialog.getByRole('radio', { name: '整部小说' }).check()
    await dialog.getByRole('checkbox', { name: '每章一个文件' }).uncheck()
    expect(await dialog.getByRole('textbox', { name: '正文之前' }).inputValue()).toBe('献给安。')
    const asking = page.waitForRequest(request => request.method() === 'POST')
    await dialog.getByRole('button', { name: '导出', exact: true }).click()
    expect((await asking).postDataJSON()).toEqual({
      taskType: 'ExportNovel',
      lane: 'default',
      parameters: {
        ...{ novelId, format: 'docx', layout: 'manuscript' },
        ...{ frontMatter: [{ text: '献给安。' }], contact: ['磨坊巷1号', 'ann@example.org'] },
      },
    })
    await dialog.getByText('排队的任务太多。').waitFor()
    await dialog.getByRole('button', { name: '导出', exact: true }).click()
    await expect.poll(() => isInView(dialog.locator('[data-export=QUEUED]'))).toBe(true)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })

  test('has everything of mine in one file of the settings', async () => {
    await using opened = await open(`${server.url}/settings#mine`)
    const { page } = opened
    const mine = page.getByRole('region', { name: 'Everything of mine' })
    const saving = page.waitForEvent('download')
    await mine.getByRole('button', { name: 'Make the file' }).click()
    const file = await saving
    expect(file.suggestedFilename()).toMatch(/^Quillwork local \d{4}-\d\d-\d\d\.zip$/)
    const names = [
      ...(await readFile(await file.path())).toString('latin1').matchAll(/novels\/[^/]*?\.quillwork/g),
    ]
    expect(names[0]?.[0]).toMatch(/^novels\/The Ferry-.+\.quillwork$/)
    await mine.getByText(/\d+ novels?, \d+ tasks? · kept until/).waitFor()
    await mine.getByRole('button', { name: /^Download again: Quillwork local/ }).waitFor()
    // The next one takes its place.
    const savingNext = page.waitForEvent('download')
    await mine.getByRole('button', { name: 'Make the file' }).click()
    await savingNext
    await expect.poll(() => mine.locator('[data-export]').count()).toBe(1)
  })
})
