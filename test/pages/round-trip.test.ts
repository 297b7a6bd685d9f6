import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describePages, type Look, open, startServer, untilLoaded } from './kit/kit.ts'

/** What the pages call the steps of the way. */
interface Words {
  readonly choose: string
  readonly confirm: string
  readonly openNovel: string
  readonly exportIt: string
  readonly document: string
  readonly download: RegExp
}

const ways: readonly [string, Look, Words][] = [
  [
    'in English',
    {},
    {
      choose: 'Choose a file',
      confirm: 'Put it on the shelf',
      openNovel: 'Open the novel',
      exportIt: 'Export',
      document: 'Word document',
      download: /^Download/,
    },
  ],
  [
    'in Chinese, on a phone',
    { language: 'zh', width: 360, height: 740 },
    {
      choose: '选择文件',
      confirm: '放上书架',
      openNovel: '打开小说',
      exportIt: '导出',
      document: 'Word 文档',
      download: /^(?:再次)?下载/,
    },
  ],
]

const sample = new URL('../../samples/the-salt-ledger.txt', import.meta.url)

describePages('the way of a book', () => {
  test.each(ways)('from an empty shelf to a Word document and back, %s', async (_, look, words) => {
    await using server = await startServer()
    await using opened = await open(server.url, look)
    const { page } = opened

    /** Chooses a file on the shelf, imports it and opens the novel. Answers its id. */
    async function imported(file: { name: string; buffer: Buffer }): Promise<string> {
      const choosing = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: words.choose, exact: true }).click()
      await (await choosing).setFiles({ ...file, mimeType: 'application/octet-stream' })
      await page.getByRole('button', { name: words.confirm, exact: true }).click()
      await page.getByRole('link', { name: words.openNovel, exact: true }).first().click()
      await page.waitForURL(/\/novels\/[^/]+$/)
      await untilLoaded(page)
      return page.url().split('/').at(-1) ?? ''
    }

    /** What stands in a novel: volumes, chapters, and the texts of their scenes. */
    async function contentsOf(novelId: string) {
      interface Volume {
        title: string
        chapters: { id: string; title: string }[]
      }
      const novel = await server.ask<{ title: string; outline: Volume[] }>(`/v1/novels/${novelId}`)
      const textsOf = async ({ id, title }: { id: string; title: string }) => {
        const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
          `/v1/novels/${novelId}/chapters/${id}`,
        )
        const texts = scenes.map(scene => server.ask<{ content: string }>(`/v1/scenes/${scene.id}`))
        return { title, texts: (await Promise.all(texts)).map(({ content }) => content) }
      }
      const volumes = novel.outline.map(async ({ title, chapters }) => ({
        title,
        chapters: await Promise.all(chapters.map(textsOf)),
      }))
      return { title: novel.title, volumes: await Promise.all(volumes) }
    }

    const first = await imported({ name: 'the-salt-ledger.txt', buffer: readFileSync(sample) })
    const file = await exported(page, words)
    expect(file.name).toBe('The Salt Ledger.docx')
    await page.goto(server.url)
    const again = await imported({ ...file, name: 'a manuscript.docx' })
    expect(again).not.toBe(first)
    const whole = await contentsOf(first)
    expect(whole.volumes.map(({ chapters }) => chapters.length)).toEqual([3, 2])
    expect(whole.volumes[0]?.chapters[0]?.texts[0]).toMatch(/^The weighing house at Anderby Pans/)
    expect(await contentsOf(again)).toEqual(whole)
  })
})

/** Exports the novel that is open as a Word document. */
async function exported(page: Page, words: Words): Promise<{ name: string; buffer: Buffer }> {
  await page.getByRole('button', { name: words.exportIt, exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: words.document }).check()
  const saving = page.waitForEvent('download')
  await dialog.getByRole('button', { name: words.exportIt, exact: true }).click()
  const file = await saving
  return { name: file.suggestedFilename(), buffer: await readFile(await file.path()) }
}
