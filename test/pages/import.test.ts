import fc from 'fast-check'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plannedImport } from '../../dashboard/src/imports/choice.ts'
import { cut, merged, type PreviewEdit, renamed, withVolume } from '../../dashboard/src/imports/edits.ts'
import { chaptersOf, rowsOf, type Shape, withChapters } from '../../dashboard/src/imports/rows.ts'
import { readChapterText } from '../../src/novel/import/chapter-text.ts'
import { readChapters } from '../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../src/novel/import/source.ts'
import { surveyText } from '../../src/novel/import/survey.ts'
import { epub, xhtml } from '../novel/import/epub-writer.ts'
import { prose } from '../novel/import/reading.ts'
import { sizeOf } from '../size.ts'
import { describePages, open, type PageServer, startServer, untilFocused } from './kit/kit.ts'

const story =
  'The Ferry\n\nChapter 1\n\nThe ferry left at noon.\n\nChapter 2\n\nIt came back with nobody aboard.\n\nChapter 3\n\nThe bell rang.\n'

/** 渡口 in the encoding of mainland China before Unicode: two chapters. */
const chinese = Buffer.from(
  'b5dad2bbd5c220b7e7c6f00a0acbfbd5bed4dab6c9bfdaa3acbfb4bcfbbad3cbaec2fdc2fdc1f7b9fdc8a5a1a30a0a' +
    'b5dab6fed5c220d4c6d3bf0a0ab7e7b4d3b1b1b1dfc0b4a3acb4b5b6afc1cbd6d3c2a5c9cfb5c4cdadc1e5a1a30a',
  'hex',
)

interface Imported {
  taskId: string
  novelId: string
}

describePages('the look before an import', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer()
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const upload = async (text: string | Uint8Array, fileName = 'ferry.txt', at: PageServer = server) => {
    const { id } = await at.ask<{ id: string }>(`/v1/uploads?fileName=${encodeURIComponent(fileName)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: text as BodyInit,
    })
    return { id, url: `${at.url}/import/${id}` }
  }
  const confirmed = (id: string) => server.ask<{ confirmation?: Imported }>(`/v1/uploads/${id}`)
  const novelOf = async (id: string) => {
    const { confirmation } = await confirmed(id)
    if (confirmation === undefined) throw new Error(`Upload ${id} was not confirmed.`)
    await server.ended(confirmation.taskId)
    return server.ask<{ title: string; outline: { chapters: { title: string }[] }[] }>(
      `/v1/novels/${confirmation.novelId}`,
    )
  }

  test('the title that was written and the chapters that were left in become the novel', async () => {
    const { id, url } = await upload(story)
    await using opened = await open(url)
    const { page } = opened
    await page.getByLabel('Title').fill('The Ferry at Noon')
    await page.getByLabel('Chapter 2', { exact: true }).click()
    await page.getByText('2 of 3 chapters').waitFor()
    await page.getByText('It costs nothing').waitFor()
    await page.reload()
    await page.getByText('2 of 3 chapters').waitFor()
    expect(await page.getByLabel('Title').inputValue()).toBe('The Ferry at Noon')
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
    const novel = await novelOf(id)
    expect(novel.title).toBe('The Ferry at Noon')
    expect(novel.outline.flatMap(({ chapters }) => chapters.map(({ title }) => title))).toEqual([
      'Chapter 1',
      'Chapter 3',
    ])
  })

  test('a wrong encoding shows in the titles and can be put right; a name that nobody knows changes nothing', async () => {
    // Not the name of a file says what it is.
    const { id, url } = await upload(chinese, '云涌.epub')
    await using opened = await open(url, { language: 'zh' })
    const { page } = opened
    await page.getByLabel('第一章 风起', { exact: true }).waitFor()
    const choice = page.getByLabel('文字编码')
    expect(await choice.inputValue()).toBe('gb18030')
    await choice.focus()
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/v1/uploads/*encoding=windows-1252', async route => {
      await released
      await route.continue()
    })
    await choice.selectOption('windows-1252')
    // Confirmed now, it would be imported in the encoding that is shown still.
    const confirm = page.getByRole('button', { name: '放上书架' })
    await expect.poll(() => confirm.isDisabled()).toBe(true)
    release()
    await page.getByLabel('第一章 风起', { exact: true }).waitFor({ state: 'detached' })
    await untilFocused(choice)
    await choice.selectOption('other')
    await untilFocused(page.getByLabel('编码名称'))
    await page.getByLabel('编码名称').fill('klingon')
    await page.getByRole('button', { name: '用它读取' }).click()
    await page.getByText('klingon').waitFor()
    await page.getByLabel('编码名称').fill('GBK')
    await page.getByRole('button', { name: '用它读取' }).click()
    await page.getByLabel('第一章 风起', { exact: true }).waitFor()
    await choice.selectOption('windows-1252')
    await page.getByLabel('第一章 风起', { exact: true }).waitFor({ state: 'detached' })
    // What was chosen holds in the tab that it was chosen in.
    await page.reload()
    await page.locator('[data-confidence=chosen]').waitFor()
    expect(await choice.inputValue()).toBe('windows-1252')
    await using elsewhere = await open(url, { language: 'zh' })
    await elsewhere.page.getByLabel('第一章 风起', { exact: true }).waitFor()
    const there = elsewhere.page.getByLabel('文字编码')
    expect(await there.inputValue()).toBe('gb18030')
    expect(await there.getAttribute('data-confidence')).not.toBe('chosen')
    await elsewhere.page.getByRole('button', { name: '放上书架' }).click()
    await elsewhere.page.waitForURL(/\/tasks\//)
    const { outline } = await novelOf(id)
    expect(outline.flatMap(({ chapters }) => chapters.map(({ title }) => title))).toContain('第一章 风起')
  })

  test('what is suspicious is told in plain words, with where it is', async () => {
    const twice = `${story}\nChapter 3\n\nThe bell rang.\n\nChapter 7\n\n`
    const { url } = await upload(twice)
    await using opened = await open(url)
    const { page } = opened
    const warnings = page.getByRole('region', { name: 'Worth checking' })
    await warnings.getByText('A chapter number stands twice').waitFor()
    await warnings.getByText('A chapter may be missing').waitFor()
    await warnings.getByText('A chapter has no text').waitFor()
    expect(await warnings.getByRole('button', { name: 'Chapter 7' }).count()).toBeGreaterThan(0)
    await expect.poll(() => page.getByRole('img', { name: 'Worth checking' }).count()).toBe(2)
  })

  test('pages that an EPUB loses are named in the language of the reader', async () => {
    const pages = ['Chapter 1', 'Chapter 2'].map((title, at) => ({
      file: `c${at}.xhtml`,
      content: xhtml(`<h1>${title}</h1><p>The ferry left at noon.</p>`),
    }))
    const cover = { file: 'cover.xhtml', content: xhtml('<p>COVER</p>') }
    const broken = { file: 'c9.xhtml', content: xhtml('<p>a</i> b</p>') }
    const book = epub({ pages: [cover, ...pages, broken], guide: { cover: 'cover.xhtml' } })
    const { url } = await upload(book, 'ferry.epub')
    await using opened = await open(url, { language: 'zh' })
    const { page } = opened
    const places = (code: string) =>
      page.locator(`[data-warning=${code}]`).getByRole('listitem').allTextContents()
    await page.locator('[data-warning=PAGES_LEFT_OUT]').waitFor()
    expect(await places('PAGES_LEFT_OUT')).toEqual(['封面'])
    expect(await places('BROKEN_MARKUP')).toEqual(['c9.xhtml'])
  })

  test('thousands of chapters stay fluid, and the keyboard reaches all of them', async () => {
    const chapters = Array.from(
      { length: 5_000 },
      (_, i) => `Chapter ${i + 1}: Mile ${i + 1}\n\nThe river.\n`,
    )
    const { id, url } = await upload(`The River\n\n${chapters.join('\n')}`, 'river.txt')
    await using opened = await open(url)
    const { page } = opened
    const list = page.getByRole('list', { name: 'Chapters' })
    await list.getByRole('listitem').first().waitFor()
    expect(await list.getByRole('listitem').count()).toBeLessThan(80)
    await list.getByLabel('Chapter 2: Mile 2', { exact: true }).focus()
    await page.keyboard.press('Space')
    await page.getByText('4,999 of 5,000 chapters').waitFor()
    await page.keyboard.press('End')
    await focused(list.getByLabel('Chapter 5000: Mile 5000', { exact: true }))
    await page.keyboard.press('Shift+Space')
    await page.getByText('1 of 5,000 chapters').waitFor()
    await page.keyboard.press('Home')
    await focused(list.getByLabel('Chapter 1: Mile 1', { exact: true }))
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
    const { outline } = await novelOf(id)
    expect(outline.flatMap(volume => volume.chapters).map(({ title }) => title)).toEqual([
      'Chapter 1: Mile 1',
    ])
  })

  test('volumes are chosen as a whole, and a range with Shift', async () => {
    const parts = ['One', 'Two'].map(
      name =>
        `Part ${name}\n\n${[1, 2, 3, 4].map(n => `Chapter ${n}\n\nThe river of ${name} went on for long.\n\n`).join('')}`,
    )
    const { url } = await upload(`The River\n\n${parts.join('\n')}`)
    await using opened = await open(url)
    const { page } = opened
    await page.getByLabel('Part Two', { exact: true }).click()
    await page.getByText('4 of 8 chapters').waitFor()
    await page.getByLabel('Chapter 2', { exact: true }).first().click()
    await page
      .getByLabel('Chapter 4', { exact: true })
      .first()
      .click({ modifiers: ['Shift'] })
    await page.getByText('1 of 8 chapters').waitFor()
    expect(await isMixed(page.getByLabel('Part One', { exact: true }))).toBe(true)
    await page.getByRole('button', { name: 'Take none' }).click()
    await page.getByText('No chapter is chosen').waitFor()
    expect(await page.getByRole('button', { name: 'Put it on the shelf' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Take all' }).click()
    await page.getByText('8 of 8 chapters').waitFor()
  })

  test('chapters are renamed, merged and begun at a line; the list is what the import makes', async () => {
    const text = `${story}\n\nThe Far Bank\n\nNobody stood there.\n`
    const { id, url } = await upload(text)
    await using opened = await open(url)
    const { page } = opened
    const titles = () => page.getByRole('list', { name: 'Chapters' }).getByRole('listitem').allInnerTexts()
    const change = async (chapter: string, act: string) => {
      await page.getByRole('button', { name: `Change ${chapter}`, exact: true }).click()
      await page.getByRole('menuitem', { name: act }).click()
    }
    await change('Chapter 1', 'Rename')
    await page.getByLabel('Title', { exact: true }).last().fill('The Ferry Leaves')
    await page.keyboard.press('Enter')
    await focused(page.getByLabel('The Ferry Leaves', { exact: true }))
    await page.getByRole('button', { name: 'Change Chapter 2' }).click()
    await page.locator('[role=menu]:focus-within').waitFor()
    await page.keyboard.press('Escape')
    await focused(page.getByRole('button', { name: 'Change Chapter 2' }))
    await change('Chapter 2', 'Merge into the chapter above')
    await focused(page.getByLabel('The Ferry Leaves', { exact: true }))
    await page.getByText('2 of 2 chapters').waitFor()
    await page.getByRole('button', { name: 'Text of Chapter 3' }).click()
    const dialog = page.getByRole('dialog')
    const begin = dialog.getByRole('button', { name: 'Begin a chapter at: The Far Bank' })
    await begin.focus()
    await page.keyboard.press('ArrowDown')
    await focused(dialog.getByRole('button', { name: 'Begin a chapter at: Nobody stood there.' }))
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    const title = dialog.getByLabel('A chapter begins here')
    await focused(title)
    expect(await title.inputValue()).toBe('The Far Bank')
    expect(await dialog.getByLabel('The line is its heading').isChecked()).toBe(true)
    await page.keyboard.press('Escape')
    await change('The Far Bank', 'Begin a volume here')
    await page.getByLabel('Title', { exact: true }).last().fill('Part Two')
    await page.keyboard.press('Enter')
    await page.getByText('3 of 3 chapters').waitFor()
    await page.reload()
    await page.getByText('3 of 3 chapters').waitFor()
    const shown = ['Volume 1', 'The Ferry Leaves', 'Chapter 3', 'Part Two', 'The Far Bank']
    await expect.poll(async () => (await titles()).map(row => row.split('\n')[0])).toEqual(shown)

    const changes = page.getByRole('region', { name: 'Your 4 changes' })
    await changes.getByRole('listitem').filter({ hasText: 'is called' }).getByRole('button').click()
    await page.getByLabel('Chapter 1', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
    const { outline } = await novelOf(id)
    expect(outline.map(({ chapters }) => chapters.map(chapter => chapter.title))).toEqual([
      ['Chapter 1', 'Chapter 3'],
      ['The Far Bank'],
    ])
  })

  test('lines that stand in most chapters are struck through in the text where they are ticked', async () => {
    const vote = 'Please vote for this story'
    const chapters = ['rain', 'salt', 'wind', 'snow', 'fire'].map(
      (word, at) => `Chapter ${at + 1}\n\nThe ${word} went on all night.\n\n${vote}\n`,
    )
    const { id, url } = await upload(chapters.join('\n'))
    await using opened = await open(url, { width: 360 })
    const { page } = opened
    const lines = page.getByRole('region', { name: 'Lines that stand in most chapters' })
    await lines.getByText('in 5 chapters').waitFor()
    const show = async (struck: number) => {
      await lines.getByRole('button', { name: 'See a place' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText(vote).waitFor()
      await dialog.getByText('The rain went on all night.').waitFor()
      expect(await dialog.locator('del').count()).toBe(struck)
      expect(await overflowOf(page)).toBeLessThanOrEqual(0)
      await page.keyboard.press('Escape')
      await dialog.waitFor({ state: 'detached' })
    }
    await show(0)
    await lines.getByLabel(vote).click()
    await show(1)
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
    // Six words of each chapter stay, and none of the line.
    expect(await novelOf(id)).toMatchObject({ words: 30 })
  })

  test('an answer that got lost is asked for again: one novel', async () => {
    const { id, url } = await upload(story)
    await using opened = await open('about:blank')
    const { page } = opened
    await withoutStream(page, url)
    await page.route(
      '**/v1/uploads/*:confirm',
      async route => {
        await route.fetch()
        await route.abort('connectionreset')
      },
      { times: 1 },
    )
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.getByText('it will be one novel all the same').waitFor()
    const { confirmation } = await confirmed(id)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.waitForURL(`**/tasks/${confirmation?.taskId}`)
    expect((await confirmed(id)).confirmation).toEqual(confirmation)
  })

  test('one that was confirmed in another window, in another way, leads on to its novel', async () => {
    const { id, url } = await upload(story)
    await using opened = await open('about:blank')
    const { page } = opened
    await withoutStream(page, url)
    await page.getByLabel('Title').fill('Another title')
    const { taskId, novelId } = await server.post<Imported>(`/v1/uploads/${id}:confirm`)
    await server.ended(taskId)
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.getByRole('heading', { name: 'This file is a novel already' }).waitFor()
    const link = page.getByRole('link', { name: 'Open the novel' })
    expect(await link.getAttribute('href')).toBe(`/novels/${novelId}`)
  })

  test('leads to the novel as soon as there is one, and never to one that was deleted', async () => {
    const { id, url } = await upload(story)
    const hold = () => server.post('/v1/lanes/default:pause')
    const goOn = () => server.post('/v1/lanes/default:resume')
    await using opened = await open('about:blank')
    const { page, newTab } = opened
    const link = { name: 'Open the novel' }
    await hold()
    try {
      const { taskId, novelId } = await server.post<Imported>(`/v1/uploads/${id}:confirm`)
      await page.goto(url)
      await page.getByRole('heading', { name: 'This file is being imported' }).waitFor()
      const itsTask = await newTab(`${server.url}/tasks/${taskId}`)
      await itsTask.getByText('not on the shelf yet').waitFor()
      await goOn()
      for (const each of [page, itsTask]) {
        await each.getByRole('link', link).waitFor()
        expect(await each.getByRole('link', link).getAttribute('href')).toBe(`/novels/${novelId}`)
      }
      await server.ended(taskId)
      await hold()
      await server.ask(`/v1/novels/${novelId}`, { method: 'DELETE' })
      await server.ask(`/v1/bin/${novelId}`, { method: 'DELETE' })
      await page.reload()
      await page.getByRole('heading', { name: 'The novel of this file was deleted' }).waitFor()
      expect(await page.getByRole('link', link).count()).toBe(0)
      await goOn()
      await page.getByRole('heading', { name: 'This file is not here any more' }).waitFor()
      await itsTask.getByRole('link', link).waitFor({ state: 'detached' })
    } finally {
      await goOn()
    }
  })

  test('a file that is not there any more says so; one that is thrown away is gone', async () => {
    const { id, url } = await upload(story)
    await using opened = await open(url)
    const { page } = opened
    await page.getByRole('button', { name: 'Throw away' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Throw away' }).click()
    await page.waitForURL(`${server.url}/`)
    await page.goto(`${server.url}/import/${id}`)
    await page.getByRole('heading', { name: 'This file is not here any more' }).waitFor()
  })

  test('the time that it takes is rounded as a whole', async () => {
    const { url } = await upload(story)
    await using opened = await open('about:blank')
    const { page } = opened
    const estimate = { calls: 3, inputTokens: 9, outputTokens: 9, seconds: 119.6, byModel: [] }
    await page.route('**/v1/estimates', route => route.fulfill({ json: estimate }))
    await page.goto(url)
    await page.getByText('2 min 0 s').waitFor()
  })

  test('where a model is configured one sees what it will cost, and a bound on it is kept', async () => {
    const models = {
      house: {
        provider: 'openai-compatible',
        baseUrl: 'http://127.0.0.1:9/v1',
        privateNetwork: true,
        model: 'm',
        price: { input: 1, output: 2, currency: 'USD' },
      },
    }
    await using priced = await startServer({ QUILLWORK_MODELS: JSON.stringify(models) })
    const { id, url } = await upload(story, 'ferry.txt', priced)
    await using opened = await open(url)
    const { page } = opened
    await page.getByText(/About \$0\.\d+ at most, for 3 calls of house/).waitFor()
    const bound = page.getByLabel('Spend at most (USD)')
    await bound.fill('0.000001')
    await page.getByText('That is less than the estimate').waitFor()
    await bound.fill('')
    await bound.pressSequentially('0.05')
    expect(await bound.inputValue()).toBe('0.05')
    await page.getByRole('switch', { name: 'Summarise' }).click()
    await page.getByText('It costs nothing').waitFor()
    await page.getByRole('switch', { name: 'Summarise' }).click()
    await bound.waitFor()
    // It holds where the cost is not known any more.
    await page.route('**/v1/estimates', route => route.fulfill({ status: 503 }))
    await page.reload()
    await bound.waitFor()
    expect(await bound.inputValue()).toBe('0.05')
    await page.getByText('What it will cost is not known').waitFor()
    await page.getByRole('button', { name: 'Put it on the shelf' }).click()
    await page.waitForURL(/\/tasks\//)
    const { confirmation } = await priced.ask<{ confirmation: Imported }>(`/v1/uploads/${id}`)
    const { budget } = await priced.ask<{ budget: unknown }>(`/v1/tasks/${confirmation.taskId}/budget`)
    expect(budget).toEqual({ cost: 0.05 })
  }, 240_000)

  test('fits a phone', async () => {
    const { url } = await upload(story)
    await using opened = await open(url, { width: 360, theme: 'dark' })
    await opened.page.getByText('3 of 3 chapters').waitFor()
    expect(await overflowOf(opened.page)).toBeLessThanOrEqual(0)
  })
})

describe('the rows of a preview', () => {
  const line = fc.oneof(
    fc.constantFrom(
      '',
      '',
      '***',
      'Chapter 1',
      'Chapter 2',
      'Chapter 3: Rain',
      'PART ONE',
      'PART TWO',
      'The Bank',
    ),
    fc.integer({ min: 1, max: 9 }).map(number => prose(number, 2)),
  )
  const book = fc.array(line, { minLength: 4, maxLength: 40 }).map(lines => lines.join('\n'))

  test('are the chapters that an import makes, with as many words, whatever is done to them', async () => {
    await fc.assert(
      fc.asyncProperty(book, fc.infiniteStream(fc.nat()), async (text, numbers) => {
        const next = () => numbers.next().value ?? 0
        const source = bytesSource(new TextEncoder().encode(text), 'book.txt')
        const survey = await surveyText(source)
        const preview = {
          ...survey,
          volumes: survey.volumes.map(({ title, chapters }) => ({ title, chapters: [...chapters] })),
        }
        let shape: Shape = { excluded: new Set(), edits: [] }
        const change = (edits: readonly PreviewEdit[]) => {
          shape = { ...shape, edits }
        }
        for (let acts = next() % 8; acts > 0; acts--) {
          const rows = chaptersOf(rowsOf(preview, shape))
          const row = rows[next() % Math.max(1, rows.length)]
          if (row === undefined) break
          const act = next() % 6
          if (act === 0) change(renamed(shape.edits, row, `Title ${acts}`))
          // The words of its heading would be more than the page knows.
          if (act === 1 && row.line !== undefined) change(merged(shape.edits, row))
          if (act === 2) change(withVolume(shape.edits, row, next() % 2 === 0 ? null : `Volume ${acts}`))
          if (act === 3) shape = withChapters(shape, [row], next() % 2 === 0)
          if (act < 4) continue
          const { lines } = await readChapterText(source, survey, { index: row.index, from: 0 })
          const at = lines.length < 2 ? 0 : 1 + (next() % (lines.length - 1))
          const begun = lines[at]
          if (at === 0 || begun === undefined) continue
          const wordsBefore = lines.slice(0, at).reduce((sum, { words }) => sum + words, 0)
          const place = {
            index: row.index,
            line: begun.line,
            text: begun.text,
            wordsBefore,
            ownWords: begun.words,
          }
          change(cut(shape.edits, place, 'Untitled'))
        }
        const rows = rowsOf(preview, shape)
        const choice = { ...shape, removeLines: [], reference: false, summarise: false }
        const planned = plannedImport({
          uploadId: 'u',
          choice,
          chapters: chaptersOf(rows),
          encoding: undefined,
        })
        const made: { title: string; words: number }[] = []
        for await (const piece of readChapters(source, survey, planned))
          if (piece.kind === 'chapter') made.push({ title: piece.title, words: 0 })
          else if (piece.kind === 'scene') (made.at(-1) ?? { words: 0 }).words += piece.words
        const shown = chaptersOf(rows).filter(({ isOut }) => !isOut)
        expect(made).toEqual(shown.map(({ title, words }) => ({ title, words })))
      }),
      { numRuns: sizeOf(100, 500) },
    )
  })
})

/** Waits until the keyboard is there. */
async function focused(locator: Locator): Promise<void> {
  await expect
    .poll(
      async () =>
        (await locator.count()) > 0 && (await locator.evaluate(each => each === document.activeElement)),
    )
    .toBe(true)
}

function isMixed(locator: Locator): Promise<boolean> {
  return locator.evaluate(each => (each as HTMLInputElement).indeterminate)
}

/** Pixels by which the page goes beyond its window. */
function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
}

/** Opens a page that does not hear by the stream what became of the upload, and so has to find out by asking. */
async function withoutStream(page: Page, url: string): Promise<void> {
  await page.route('**/v1/events*', route => route.abort())
  await page.goto(url)
}
