import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startModelServer } from '../models/server.ts'
import { holdEdits } from './held-edits.ts'
import { type HeldModel, holdModel } from './held-model.ts'
import { describePages, open, type PageServer, startServer, untilFocused, untilLoaded } from './kit/kit.ts'

interface Outline {
  id: string
  scenes: number
  summaries: number
  outline: { id: string; title: string; chapters: { id: string; title: string }[] }[]
}
interface Task {
  id: string
  phase?: string
}
interface Scene {
  id: string
  version: number
  summary?: { text: string; method: string }
}

/** Two volumes with two chapters each; the first chapter has two scenes. */
function book(title: string): string {
  return [
    title,
    'Part One: The River',
    'Chapter 1: The Bridge',
    'Nobody believed the miller. He had counted seven lanterns on the bridge that evening, and the river said nothing about it.',
    '* * *',
    'In the morning the bridge was gone. The miller wrote it down, and went to look for the lanterns in the reeds.',
    'Chapter 2: The Reeds',
    'The reeds were high that year. A heron stood where the ferry used to land, and did not move for anybody.',
    'Part Two: The Town',
    'Chapter 3: The Clock',
    'The clock of the town was slow by a quarter of an hour. It was the only thing that everybody agreed upon.',
    'Chapter 4: The Wedding',
    'They danced until the candles were short. Nobody asked the miller, who had stayed at the window.',
    '',
  ].join('\n\n')
}

const clock = [
  '渡口',
  '第一章 钟声',
  '阿芸在渡口等了一夜。钟声从对岸传来，比昨天慢了半刻。',
  '第二章 学徒',
  '老钟匠收她做学徒，教她听钟。',
  '',
].join('\n\n')

const searchBox = (page: Page) => page.getByRole('searchbox')
const hits = (page: Page) => page.locator('[data-hit]')
const prose = (page: Page) => page.locator('.prose')

describePages('a novel', () => {
  let server: PageServer
  let held: HeldModel
  let closeModel: () => Promise<void>
  let novel: Outline

  beforeAll(async () => {
    const model = await startModelServer()
    closeModel = model.close
    held = await holdModel(model.url)
    const house = {
      provider: 'openai-compatible',
      baseUrl: held.url,
      privateNetwork: true,
      model: 'm',
      uses: ['prose', 'summary'],
      price: { input: 1, output: 2, currency: 'USD' },
    }
    server = await startServer({ QUILLWORK_MODELS: JSON.stringify({ house }) })
    novel = await importBook(book('The Miller'))
  }, 240_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await held?.[Symbol.asyncDispose]()
    await closeModel?.()
  })

  /** Imports a text without summaries. */
  async function importBook(text: string): Promise<Outline> {
    const upload = await server.ask<{ id: string }>('/v1/uploads?fileName=a.txt', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: text,
    })
    const begun = await server.post<{ taskId: string; novelId: string }>(`/v1/uploads/${upload.id}:confirm`, {
      summarise: false,
    })
    await server.ended(begun.taskId)
    return server.ask<Outline>(`/v1/novels/${begun.novelId}`)
  }

  const chapterUrl = ({ id, outline }: Outline, volume = 0, at = 0) =>
    `${server.url}/novels/${id}/chapters/${outline[volume]?.chapters[at]?.id}`

  async function firstScene({ id, outline }: Outline): Promise<Scene> {
    const { scenes } = await server.ask<{ scenes: Scene[] }>(
      `/v1/novels/${id}/chapters/${outline[0]?.chapters[0]?.id}`,
    )
    const [scene] = scenes
    if (scene === undefined) throw new Error('The chapter has no scene.')
    return server.ask<Scene>(`/v1/scenes/${scene.id}`)
  }

  const edit = ({ id, version }: Scene, change: object) =>
    server.ask<Scene>(`/v1/scenes/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
      body: JSON.stringify(change),
    })

  test('shows its volumes and chapters, which can be closed, and leads into the text and on', async () => {
    await using opened = await open(`${server.url}/novels/${novel.id}`)
    const { page } = opened
    await page.getByRole('heading', { level: 1, name: 'The Miller' }).waitFor()
    await page.getByText('2 volumes · 4 chapters · 5 scenes').waitFor()
    const chapters = page.getByRole('region', { name: 'Chapters' }).getByRole('link')
    const titles = ['Chapter 1: The Bridge', 'Chapter 2: The Reeds', 'Chapter 3: The Clock']
    await expect
      .poll(() => chapters.allTextContents())
      .toEqual([...titles, 'Chapter 4: The Wedding'].map(title => expect.stringContaining(title)))
    const first = page
      .getByRole('region', { name: 'Chapters' })
      .getByRole('button', { name: /^Part One: The River/ })
    await first.click()
    expect(await first.getAttribute('aria-expanded')).toBe('false')
    await expect.poll(() => chapters.count()).toBe(2)
    await page.getByRole('button', { name: 'Open all volumes' }).click()
    await chapters.nth(1).click()
    await prose(page).getByText('The reeds were high').waitFor()
    await page.keyboard.press('p')
    await prose(page).getByText('Nobody believed the miller').waitFor()
    await page.getByRole('link', { name: 'Next chapter: Chapter 2: The Reeds' }).first().click()
    await page.getByRole('heading', { level: 1, name: 'Chapter 2: The Reeds' }).waitFor()
    await page.getByRole('combobox', { name: 'Go to a chapter' }).first().fill('wedding')
    await page.getByRole('option', { name: 'Chapter 4: The Wedding' }).click()
    await prose(page).getByText('They danced').waitFor()
    await page.keyboard.press('/')
    await expect.poll(() => searchBox(page).evaluate(field => field === document.activeElement)).toBe(true)
    await page.getByText('You are here').waitFor()
  })

  test('is searched while one types, and a hit opens in the reader with its passage marked', async () => {
    await using opened = await open(`${server.url}/novels/${novel.id}`)
    const { page } = opened
    await untilLoaded(page)
    await page.keyboard.press('/')
    await page.keyboard.type('heron ferry')
    await hits(page).first().waitFor()
    expect(await searchBox(page).inputValue()).toBe('heron ferry')
    await page.waitForURL(url => url.searchParams.get('q') === 'heron ferry')
    // Whoever types slowly sees before what the first word finds.
    await expect.poll(() => hits(page).first().locator('mark').allTextContents()).toEqual(['heron', 'ferry'])
    await page.getByText('Answered by words.').waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const mark = prose(page).locator('mark')
    await mark.waitFor()
    expect(await mark.textContent()).toContain('A heron stood where the ferry used to land')
    expect(await mark.locator('strong').allTextContents()).toEqual(['heron', 'ferry'])
    await expect.poll(() => mark.evaluate(each => each.getBoundingClientRect().top)).toBeLessThan(900)
    await page.getByRole('link', { name: 'Back to the search for “heron ferry”' }).click()
    await hits(page).first().waitFor()
    await searchBox(page).fill('xylophone')
    await page.getByRole('heading', { name: 'Nothing found for “xylophone”' }).waitFor()
    await page.getByText('The search finds words as they are written').waitFor()
    await page.getByRole('button', { name: 'Clear the search' }).click()
    await page.getByRole('region', { name: 'Chapters' }).waitFor()
  })

  test('tells how many passages there are, and shows further ones', async () => {
    const chapters = Array.from({ length: 25 }, (_, at) => [
      ...[`Chapter ${at + 1}: Night`, `The heron ${at} slept.`],
    ])
    const own = await importBook(['The Herons', ...chapters.flat(), ''].join('\n\n'))
    await using opened = await open(`${server.url}/novels/${own.id}?q=heron`)
    const { page } = opened
    await page.getByText('20 of 25 passages.').waitFor()
    await page.getByRole('button', { name: 'Show more' }).click()
    await expect.poll(() => hits(page).count()).toBe(25)
  })

  test('is searched once while tasks work on it, and again when its index is new', async () => {
    const own = await importBook(book('The Searched'))
    await using opened = await open('about:blank')
    const { page } = opened
    const asked: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).pathname))
    const count = (end: string) => asked.filter(path => path === `/v1/novels/${own.id}${end}`).length
    await page.goto(`${server.url}/novels/${own.id}?q=heron`)
    await hits(page).first().waitFor()
    const before = count('')
    const { id } = await server.post<Task>(`/v1/novels/${own.id}:summarise`, { model: 'extractive' })
    await server.ended(id)
    await expect.poll(() => count(''), { timeout: 60_000 }).toBeGreaterThan(before + 1)
    expect(count('/search')).toBe(1)
    await server.post('/v1/tasks', { taskType: 'Vectorize', parameters: { novelId: own.id } })
    await expect.poll(() => count('/search'), { timeout: 60_000 }).toBe(2)
  })

  test('is not searched while Chinese is composed, and then for what is meant', async () => {
    const { id } = await importBook(clock)
    await using opened = await open(`${server.url}/novels/${id}`, { language: 'zh' })
    const { page } = opened
    const asked: string[] = []
    page.on('request', request => {
      const url = new URL(request.url())
      if (url.pathname.endsWith('/search')) asked.push(url.searchParams.get('q') ?? '')
    })
    await untilLoaded(page)
    await searchBox(page).focus()
    const keyboard = await page.context().newCDPSession(page)
    for (const text of ['z', 'zh', 'zhong', 'zhong s'])
      await keyboard.send('Input.imeSetComposition', {
        text,
        selectionStart: text.length,
        selectionEnd: text.length,
      })
    await keyboard.send('Input.insertText', { text: '钟声' })
    await hits(page).first().waitFor()
    expect(await searchBox(page).inputValue()).toBe('钟声')
    expect([...new Set(asked)]).toEqual(['钟声'])
    expect(await hits(page).first().locator('mark').allTextContents()).toContain('钟声')
    await page.getByText('按字词匹配。').waitFor()
    await hits(page).first().press('Enter')
    await page.getByRole('link', { name: '返回搜索“钟声”' }).waitFor()
    await page.getByRole('heading', { level: 1, name: '第一章 钟声' }).waitFor()
  })

  test('has its missing summaries made, and says before what that costs', async () => {
    const own = await importBook(book('The Missing'))
    await using opened = await open(`${server.url}/novels/${own.id}`)
    const { page } = opened
    const summaries = page.getByRole('region', { name: 'Summaries' })
    await summaries.getByText('0 of 5 scenes have a summary.').waitFor()
    await summaries.getByRole('button', { name: 'Summarise the 5 missing ones' }).click()
    const dialog = page.getByRole('dialog', { name: 'Summarise 5 scenes' })
    await dialog.getByText('for 5 calls of house').waitFor()
    await dialog.getByText('$').waitFor()
    await dialog.getByRole('radio', { name: 'Picked from the text' }).check()
    await dialog.getByText('It costs nothing').waitFor()
    await dialog.getByRole('button', { name: 'Summarise', exact: true }).click()
    await summaries.getByText('5 of 5 scenes have a summary.').waitFor()
    expect(await server.ask<Outline>(`/v1/novels/${own.id}`)).toMatchObject({ summaries: 5 })
    await summaries.getByRole('button', { name: 'Summarise all anew' }).click()
    const again = page.getByRole('dialog', { name: 'Summarise every scene anew' })
    await again.getByText('goes to the history of its scene').waitFor()
    await again.getByRole('button', { name: 'Summarise', exact: true }).click()
    await page.waitForURL(/\/tasks\//)
    const { parameters } = await server.ask<{ parameters: object }>(
      `/v1/tasks/${page.url().split('/').at(-1)}`,
    )
    expect(parameters).toMatchObject({ novelId: own.id, overwriteExisting: true })
  })

  test('has the summaries of all levels brought up to date, and says which are not', async () => {
    const own = await importBook(book('The Levels'))
    await using opened = await open(`${server.url}/novels/${own.id}`)
    const { page } = opened
    const story = page.getByRole('region', { name: 'Story so far' })
    // Five scenes, four chapters, two volumes, the book.
    await story.getByRole('button', { name: 'Bring 12 summaries up to date' }).click()
    const dialog = page.getByRole('dialog', { name: 'Bring the summaries up to date' })
    // One chapter has two scenes; the others take the summary of their only one over.
    await dialog.getByText('for 9 calls of house').waitFor()
    await dialog.getByRole('radio', { name: 'Picked from the text' }).check()
    await dialog.getByText('It costs nothing').waitFor()
    await dialog.getByRole('button', { name: 'Bring up to date', exact: true }).click()
    await story.getByText('All summaries of scenes, chapters, volumes and the book are up to date.').waitFor()
    await story.getByText('The whole book').waitFor()
    await expect.poll(() => story.locator('.summary').count()).toBe(3)
    const scene = await firstScene(own)
    await edit(scene, { content: 'The miller was never there, and the bridge stood for another year.' })
    await page.goto(chapterUrl(own))
    const chapter = page.getByRole('region', { name: 'Summary of the chapter' })
    await chapter.getByText('Out of date').waitFor()
    await chapter.getByRole('button', { name: 'Bring 4 summaries up to date' }).waitFor()
    await chapter.getByRole('button', { name: 'Edit: Summary of the chapter' }).click()
    const field = chapter.getByRole('textbox', { name: 'Summary of the chapter' })
    await field.fill('In my words.')
    const unit = `/v1/novels/${own.id}/summaries/${own.outline[0]?.chapters[0]?.id}`
    const { version } = await server.ask<{ version: number }>(unit)
    await server.ask(unit, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
      body: JSON.stringify({ text: 'In the words of another page.' }),
    })
    // What is there is seen before it is replaced, and what was typed is kept.
    await chapter.getByRole('button', { name: 'Save' }).click()
    const both = chapter.getByRole('group', { name: 'Somebody changed this while you wrote' })
    await both.getByText('In the words of another page.').waitFor()
    await both.getByText('In my words.').waitFor()
    await both.getByRole('button', { name: 'Keep mine' }).click()
    await untilFocused(chapter.getByRole('button', { name: 'Edit: Summary of the chapter' }))
    await chapter.getByText('In my words.').waitFor()
    expect(await server.ask(unit)).toMatchObject({ byPerson: true, summary: { text: 'In my words.' } })
    await using chinese = await open(`${server.url}/novels/${own.id}`, { language: 'zh' })
    await chinese.page.getByRole('region', { name: '前情' }).getByText('全书').waitFor()
    await chinese.page.getByRole('button', { name: '更新 3 份摘要' }).waitFor()
    await chinese.page.getByRole('button', { name: '编辑：全书' }).click()
    await chinese.page.getByRole('textbox', { name: '全书' }).fill('')
    await chinese.page.getByRole('button', { name: '保存' }).click()
    await chinese.page.getByRole('button', { name: '自己写：全书' }).waitFor()
  })

  test('shows in the editor of a summary what a task wrote since, while nothing is typed', async () => {
    const own = await importBook(book('The Editor'))
    const unit = `/v1/novels/${own.id}/summaries/${own.outline[0]?.chapters[0]?.id}`
    const write = (text: string, version: number) =>
      server.ask(unit, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
        body: JSON.stringify({ text }),
      })
    await write('At first.', 0)
    await using opened = await open(chapterUrl(own))
    const chapter = opened.page.getByRole('region', { name: 'Summary of the chapter' })
    await chapter.getByRole('button', { name: 'Edit: Summary of the chapter' }).click()
    const field = chapter.getByRole('textbox', { name: 'Summary of the chapter' })
    expect(await field.inputValue()).toBe('At first.')
    await write('Later.', 1)
    const { id: sceneId } = await firstScene(own)
    const { id } = await server.post<{ id: string }>('/v1/tasks', {
      taskType: 'GenerateSummary',
      parameters: { novelId: own.id, sceneId, model: 'extractive' },
    })
    await server.ended(id)
    await expect.poll(() => field.inputValue()).toBe('Later.')
    // A scene below it has a summary now, so that this one is out of date until somebody says that it is right.
    await chapter.getByRole('button', { name: 'Save' }).click()
    await field.waitFor({ state: 'detached' })
    expect(await server.ask(unit)).toMatchObject({ summary: { text: 'Later.' } })
  })

  /** Has the answer to the next request of a kind get lost, on a page that does not hear by the stream what came of it. */
  async function losesAnswer(page: Page, place: string): Promise<void> {
    await page.route('**/v1/events*', route => route.abort())
    let isLost = false
    await page.route(place, async route => {
      if (isLost || route.request().method() !== 'POST') return route.continue()
      isLost = true
      await route.fetch()
      await route.abort('connectionreset')
    })
  }
  const tasksOf = async ({ id }: Outline, taskType: string) =>
    (await server.ask<{ items: Task[] }>(`/v1/tasks?tag=novel:${id}&taskType=${taskType}&rootsOnly=true`))
      .items

  test('summaries whose answer got lost are asked for again, and made once', async () => {
    const own = await importBook(book('The Lost'))
    await using opened = await open('about:blank')
    const { page } = opened
    await losesAnswer(page, '**/v1/novels/*:summarise')
    await page.goto(`${server.url}/novels/${own.id}`)
    const ask = async () => {
      await page.getByRole('button', { name: 'Summarise the 5 missing ones' }).click()
      const dialog = page.getByRole('dialog', { name: 'Summarise 5 scenes' })
      await dialog.getByRole('radio', { name: 'Picked from the text' }).check()
      await dialog.getByRole('button', { name: 'Summarise', exact: true }).click()
      return dialog
    }
    const dialog = await ask()
    await page.locator('.mantine-Notification-root').waitFor()
    await dialog.getByRole('button', { name: 'Back' }).click()
    await ask()
    await page.getByText('The summaries are being made.').waitFor()
    expect(await tasksOf(own, 'BatchGenerateSummary')).toHaveLength(1)
  })

  test('a summary whose answer got lost is asked for again, and made once', async () => {
    const own = await importBook(book('The Unheard'))
    await using opened = await open('about:blank')
    const { page } = opened
    await losesAnswer(page, '**/v1/tasks')
    await page.goto(chapterUrl(own))
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    const ask = async () => {
      await summary.getByRole('button', { name: 'Have it summarised' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Summarise', exact: true }).click()
    }
    await ask()
    await page.locator('.mantine-Notification-root').waitFor()
    // Without the stream it reads once what came of it.
    for (const { id } of await tasksOf(own, 'GenerateSummary')) await server.ended(id)
    await ask()
    await summary.getByText('Written by house').waitFor()
    expect(await tasksOf(own, 'GenerateSummary')).toHaveLength(1)
  })

  test('a summary is not asked for before it is known which model would make it', async () => {
    const own = await importBook(book('The Unknown'))
    await using opened = await open('about:blank')
    const { page } = opened
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route('**/v1/capabilities', async route => {
      await released
      await route.continue()
    })
    await page.goto(chapterUrl(own))
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    await summary.getByRole('button', { name: 'Have it summarised' }).click()
    const dialog = page.getByRole('dialog')
    const action = dialog.getByRole('button', { name: 'Summarise', exact: true })
    await action.waitFor()
    expect(await action.isDisabled()).toBe(true)
    release()
    await dialog.getByText('for 1 call of house').waitFor()
    await action.click()
    await summary.getByText('Written by house').waitFor()
  })

  test('tells what works on it now', async () => {
    const own = await importBook(book('The Busy'))
    await server.post('/v1/lanes/default:pause')
    try {
      const task = await server.post<{ id: string }>(`/v1/novels/${own.id}:summarise`, {
        model: 'extractive',
      })
      await using opened = await open(`${server.url}/novels/${own.id}`)
      const working = opened.page.getByRole('region', { name: 'Being worked on' })
      await working.getByRole('link', { name: 'Summarise scenes' }).waitFor()
      expect(await working.getByRole('link').getAttribute('href')).toBe(`/tasks/${task.id}`)
      await server.post('/v1/lanes/default:resume')
      await working.waitFor({ state: 'detached' })
    } finally {
      await server.post('/v1/lanes/default:resume')
    }
  })

  test('the tasks of a batch are named by their scenes', async () => {
    const own = await importBook(book('The Named'))
    const { id } = await server.post<Task>(`/v1/novels/${own.id}:summarise`, { model: 'extractive' })
    await server.ended(id)
    await using opened = await open(`${server.url}/tasks/${id}`)
    const rows = opened.page.locator('[data-task]')
    await rows.getByText('Scene 2 of Chapter 1: The Bridge').waitFor()
    await rows.getByText('Scene 1 of Chapter 4: The Wedding').waitFor()
    expect(await rows.count()).toBe(5)
  })

  test('a batch of more scenes than a listing has is one task, is seen at each of its scenes, and ends with the novel', async () => {
    const chapters = Array.from({ length: 110 }, (_, at) => `Chapter ${at + 1}\n\nIt was dark.`)
    const own = await importBook(`The Dark\n\n${chapters.join('\n\n')}\n`)
    await server.post('/v1/lanes/batch:pause')
    try {
      const { id } = await server.post<Task>(`/v1/novels/${own.id}:summarise`, { model: 'extractive' })
      const waits = async () => (await server.ask<Task>(`/v1/tasks/${id}`)).phase
      await expect.poll(waits).toBe('awaiting-subtasks')
      await using opened = await open(chapterUrl(own))
      const { page } = opened
      await page.locator('[data-making=QUEUED]').waitFor()
      await page.goto(`${server.url}/novels/${own.id}`)
      const working = page.getByRole('region', { name: 'Being worked on' })
      await working.getByRole('link', { name: 'Summarise scenes' }).waitFor()
      expect(await working.getByRole('link').count()).toBe(1)
      const summaries = page.getByRole('region', { name: 'Summaries' })
      await summaries.getByText('Summaries are being made.').waitFor()
      expect(await summaries.getByRole('button').count()).toBe(0)
      await page.getByRole('button', { name: 'What else can be done' }).click()
      await page.getByRole('menuitem', { name: 'Delete the novel' }).click()
      const dialog = page.getByRole('dialog', { name: 'Delete this novel?' })
      await dialog.getByText('One task that works on it will be stopped').waitFor()
      await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
      await page.getByText('“The Dark” is in the bin.').waitFor()
      const { id: deletion } = await server.ask<Task>(`/v1/bin/${own.id}`, { method: 'DELETE' })
      await server.ended(deletion)
      const result = { chapters: 110, scenes: 110 }
      expect(await server.ask(`/v1/tasks/${deletion}`)).toMatchObject({ status: 'COMPLETED', result })
      await expect(server.ask(`/v1/tasks/${id}`)).rejects.toThrow('TASK_NOT_FOUND')
    } finally {
      await server.post('/v1/lanes/batch:resume')
    }
  })

  test('says of a batch that its scenes wait for the budget', async () => {
    const own = await importBook(book('The Thrifty'))
    const parameters = { novelId: own.id, model: 'house' }
    const batch = { taskType: 'BatchGenerateSummary', parameters, budget: { cost: 0.000001 } }
    await server.post('/v1/tasks', batch)
    await using opened = await open(`${server.url}/novels/${own.id}`)
    const working = opened.page.getByRole('region', { name: 'Being worked on' })
    await working.getByText('Waits until its budget is raised.').waitFor()
  })

  test('a summary is made in place, and says which model and attempt made it', async () => {
    const own = await importBook(book('The Made'))
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    await summary.getByText('No summary yet.').waitFor()
    const hold = held.hold()
    await summary.getByRole('button', { name: 'Have it summarised' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Summarise', exact: true }).click()
    await summary.getByText('Working', { exact: true }).waitFor()
    hold.release()
    await summary.getByText('Written by house').waitFor()
    const { summary: made } = await firstScene(own)
    expect(made?.method).toBe('generative')
    await summary.getByText(made?.text ?? '?').waitFor()
    await summary.getByRole('link', { name: 'attempt 1 of a task' }).click()
    await page.waitForURL(/\/tasks\/[\w-]+$/)
  })

  test('a summary is edited in place; what somebody else wrote meanwhile is shown beside it', async () => {
    const own = await importBook(book('The Edited'))
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    await summary.getByRole('button', { name: 'Write one' }).click()
    await summary.getByRole('textbox', { name: 'Summary' }).fill('Seven lanterns.')
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('Written by you').waitFor()
    expect((await firstScene(own)).summary).toMatchObject({ text: 'Seven lanterns.', method: 'person' })

    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox', { name: 'Summary' }).fill('Eight lanterns.')
    await edit(await firstScene(own), { summary: 'Nine lanterns.' })
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('The scene changed while you wrote').first().waitFor()
    await summary.getByText('Eight lanterns.').waitFor()
    await summary.getByText('Nine lanterns.').waitFor()
    await summary.getByRole('button', { name: 'Keep mine' }).click()
    await expect.poll(async () => (await firstScene(own)).summary?.text).toBe('Eight lanterns.')
    await summary.getByText('Written by you').waitFor()
  })

  test('what is typed while a summary is on its way to the server stays, to be saved in its turn', async () => {
    const own = await importBook(book('The Typed'))
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    const box = summary.getByRole('textbox', { name: 'Summary' })
    await summary.getByRole('button', { name: 'Write one' }).click()
    const edits = await holdEdits(page)
    await box.fill('Seven lanterns.')
    await box.press('Control+Enter')
    await expect.poll(() => edits.sent).toEqual([{ summary: 'Seven lanterns.' }])
    await box.fill('Seven lanterns, no bridge.')
    await box.press('Control+Enter')
    edits.release()
    await summary.locator('button[type=submit]:not([data-loading])').waitFor()
    expect((await firstScene(own)).summary?.text).toBe('Seven lanterns.')
    expect(await box.inputValue()).toBe('Seven lanterns, no bridge.')
    await box.press('Control+Enter')
    await summary.getByText('Written by you').waitFor()
    expect(edits.sent).toEqual([{ summary: 'Seven lanterns.' }, { summary: 'Seven lanterns, no bridge.' }])
    expect((await firstScene(own)).summary?.text).toBe('Seven lanterns, no bridge.')
    await untilFocused(summary.getByRole('button', { name: 'Edit' }))
  })

  test('an edit wins over a summary that is being made', async () => {
    const own = await importBook(book('The Outrun'))
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    const summary = page.getByRole('complementary', { name: 'Summary' }).first()
    const hold = held.hold()
    await summary.getByRole('button', { name: 'Have it summarised' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Summarise', exact: true }).click()
    await hold.asked
    await summary.getByRole('button', { name: 'Write one' }).click()
    await summary.getByText('What you save now stays').waitFor()
    await summary.getByRole('textbox', { name: 'Summary' }).fill('Mine.')
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('Written by you').waitFor()
    hold.release()
    await summary.getByText('so your words stayed').waitFor()
    expect((await firstScene(own)).summary?.text).toBe('Mine.')
  })

  test('says of a summary that the text changed since', async () => {
    const own = await importBook(book('The Old'))
    const made = await edit(await firstScene(own), { summary: 'Seven lanterns.' })
    await edit(made, { content: 'There were no lanterns.' })
    await using opened = await open(chapterUrl(own), { language: 'zh' })
    await opened.page.getByText('已过时：正文后来有改动').waitFor()
    await prose(opened.page).getByText('There were no lanterns.').waitFor()
  })

  test('a chapter opens where one was reading', async () => {
    const long = Array.from(
      { length: 30 },
      (_, at) => `Paragraph ${at}. ${'The river said nothing. '.repeat(30)}`,
    )
    const scenes = [1, 2, 3].map(() => long.join('\n\n')).join('\n\n* * *\n\n')
    const own = await importBook(`The Long\n\nChapter 1: All of it\n\n${scenes}\n`)
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    await prose(page).first().waitFor()
    const second = page.locator('[data-scene]').nth(1)
    await second.scrollIntoViewIfNeeded()
    await second.locator('.prose').waitFor()
    await second.getByText('Paragraph 12.').evaluate(each => each.scrollIntoView({ block: 'center' }))
    // The place is noted now and then while one scrolls: before this paragraph too.
    const isNoted = () =>
      second.evaluate((scene, name) => {
        const place = JSON.parse(localStorage.getItem(name) ?? '{}') as { sceneId?: string; share?: number }
        const { top, height } = scene.getBoundingClientRect()
        const share = (140 - top) / height
        return place.sceneId === scene.dataset['scene'] && Math.abs((place.share ?? 0) - share) < 0.01
      }, `quillwork.reading.${own.id}`)
    await expect.poll(isNoted).toBe(true)
    await page.goto(`${server.url}/novels/${own.id}`)
    await page.getByRole('link', { name: 'Read on' }).click()
    const place = page.locator('[data-scene]').nth(1).getByText('Paragraph 12.')
    await place.waitFor()
    await expect
      .poll(() => place.evaluate(each => Math.abs(each.getBoundingClientRect().top - 450) < 450))
      .toBe(true)
  })

  test('a scene is added to a chapter and opened', async () => {
    await using opened = await open(chapterUrl(novel, 1, 1))
    const { page } = opened
    await page.getByRole('button', { name: 'Add a scene' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('What happens in it').fill('The miller dances after all.')
    await dialog.getByRole('button', { name: 'Add and open' }).click()
    await page.waitForURL(/\/scenes\/[\w-]+$/)
    const id = page.url().split('/').at(-1)
    expect((await server.ask<Scene>(`/v1/scenes/${id}`)).summary).toMatchObject({
      text: 'The miller dances after all.',
      method: 'person',
    })
  })

  test('goes into the bin, comes back, and is deleted for good once its title was typed', async () => {
    const own = await importBook(book('The Gone'))
    await using opened = await open(chapterUrl(own))
    const { page } = opened
    await page.getByRole('link', { name: 'Edit, write, history' }).first().click()
    await page.getByRole('button', { name: 'Edit', exact: true }).first().click()
    await page.getByRole('textbox', { name: 'Text', exact: true }).fill('Typed, and never saved.')
    const unsaved = () =>
      page.evaluate(() => Object.keys(localStorage).filter(name => name.startsWith('quillwork.draft.')))
    await expect.poll(unsaved).toHaveLength(1)
    await page.goto(`${server.url}/novels/${own.id}`)
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Delete the novel' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete this novel?' })
    await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
    const card = page.locator(`[data-novel="${own.id}"]`)
    await page.getByText('“The Gone” is in the bin.').waitFor()
    await card.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await card.waitFor()
    expect(await unsaved()).toHaveLength(1)
    await server.ask(`/v1/novels/${own.id}`, { method: 'DELETE' })
    await page.evaluate(novelId => {
      const base = { title: '', content: '' }
      const edit = {
        ...base,
        content: 'Saved, and never sent.',
        base,
        version: 1,
        novelId,
        state: 'refused',
        at: 1,
      }
      localStorage.setItem('quillwork.unsent.some-scene.1', JSON.stringify(edit))
    }, own.id)
    await page.reload()
    const unsent = page.locator('[data-unsent]')
    await unsent.getByRole('link', { name: 'Saved, and never sent.' }).waitFor()
    await page.getByRole('button', { name: 'Bin (1)' }).click()
    await page.getByRole('dialog', { name: 'Bin' }).getByRole('button', { name: 'Delete for good' }).click()
    const asked = page.getByRole('dialog', { name: 'Delete this novel for good?' })
    await asked.getByText('4 chapters with 5 scenes').waitFor()
    const button = asked.getByRole('button', { name: 'Delete for good' })
    await asked.getByRole('textbox').fill('The Gon')
    expect(await button.isDisabled()).toBe(true)
    await asked.getByRole('textbox').fill('The Gone')
    await button.click()
    // The task that deletes it is followed, to what was deleted.
    await page.waitForURL(/\/tasks\/[\w-]+$/)
    await expect(server.ask(`/v1/novels/${own.id}`)).rejects.toThrow('NOVEL_NOT_FOUND')
    expect(await unsaved()).toEqual([])
    await unsent.waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'Delete a novel for good' }).waitFor()
    await page.getByText('Done', { exact: true }).first().waitFor()
    await server.ended(page.url().split('/').at(-1) ?? '')
    expect(await server.ask<{ items: unknown[] }>(`/v1/tasks?tag=novel:${own.id}`)).toMatchObject({
      items: [],
    })
  })

  test('becomes a reference, in which nothing is written, and another one names it', async () => {
    const [read, own] = [await importBook(book('The Old Ferry')), await importBook(book('The New Mill'))]
    await using opened = await open(`${server.url}/novels/${read.id}`)
    const { page } = opened
    const menu = page.getByRole('button', { name: 'What else can be done' })
    const dialog = page.getByRole('dialog', { name: 'Reference' })
    const openDialog = async () => {
      await menu.click()
      await page.getByRole('menuitem', { name: 'Reference' }).click()
    }
    await openDialog()
    await dialog.getByRole('switch', { name: 'This novel is a reference' }).check({ force: true })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-reference-notice]').waitFor()
    const story = page.getByRole('region', { name: 'Story so far' })
    await story.getByText('No scene is written from them').waitFor()
    await menu.click()
    await page.getByRole('menuitem', { name: 'Named states' }).waitFor()
    expect(await page.getByRole('menuitem', { name: /^Continue|^Write/ }).count()).toBe(0)
    await page.goto(chapterUrl(read))
    await page.getByRole('button', { name: 'Add a scene' }).click()
    await page.getByText('You write it on its own page').waitFor()
    expect(await page.getByText('it can be written for you').count()).toBe(0)
    await page.goto(`${server.url}/novels/${read.id}/scenes/${(await firstScene(read)).id}`)
    await page.locator('[data-write] [data-reference-notice]').waitFor()
    expect(await page.locator('[data-rewrite]').count()).toBe(0)
    await page.goto(server.url)
    await page.locator(`[data-novel="${read.id}"] [data-reference]`).waitFor()
    await page.goto(`${server.url}/novels/${own.id}`)
    await openDialog()
    await dialog.getByRole('combobox', { name: 'References of this novel' }).fill('Ferry')
    await page.getByRole('option', { name: 'The Old Ferry' }).click()
    await page.keyboard.press('Tab')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Voice and facts from: The Old Ferry').waitFor()
    await page.reload()
    await page.route('**/v1/novels?*', () => undefined)
    await openDialog()
    await dialog.locator('[data-awaited]').waitFor()
    await dialog.getByText('The Old Ferry').first().waitFor()
    await page.unroute('**/v1/novels?*')
    await server.ask(`/v1/novels/${read.id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ reference: false }),
    })
    await page.reload()
    await page.getByText('The Old Ferry is no reference any more, and gives nothing').waitFor()
    expect(await page.getByText('Voice and facts from').count()).toBe(0)
    await openDialog()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-references]').waitFor({ state: 'detached' })
  })

  test('a novel that is not there says so', async () => {
    await using opened = await open(`${server.url}/novels/nowhere`, { language: 'zh' })
    await opened.page.getByText('NOVEL_NOT_FOUND').waitFor()
  })

  test('five thousand chapters are a few lines on the screen, and any of them is a step away', async () => {
    const text = Array.from(
      { length: 5_000 },
      (_, at) => `Chapter ${at + 1}: Lantern ${at + 1}\n\nIt was dark.`,
    )
    const own = await importBook(`The Lanterns\n\n${text.join('\n\n')}\n`)
    await using opened = await open(`${server.url}/novels/${own.id}`)
    const { page } = opened
    const lines = page.getByRole('region', { name: 'Chapters' }).getByRole('listitem')
    await lines.first().waitFor()
    expect(await lines.count()).toBeLessThan(100)
    const last = page.getByText('Chapter 5000: Lantern 5000')
    // Lines take their height only when they are drawn, so the end moves away under whoever scrolls there.
    await expect
      .poll(async () => {
        await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
        return last.isVisible()
      })
      .toBe(true)
    await last.click()
    await prose(page).waitFor()
    const picker = page.getByRole('combobox', { name: 'Go to a chapter' }).first()
    await picker.click()
    await page.getByRole('option', { name: 'Chapter 4990: Lantern 4990' }).waitFor()
    await picker.fill('lantern 777')
    await page.getByRole('option', { name: 'Chapter 777: Lantern 777' }).click()
    await page.getByRole('heading', { level: 1, name: 'Chapter 777: Lantern 777' }).waitFor()
  })
})
