import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CodexServer, startCodexServer } from './codex-server.ts'
import { describePages, open, untilFocused } from './kit/kit.ts'

const text = [
  'Chapter 1: The Bridge',
  'Nobody believed Berit. She had counted seven lanterns on the bridge.',
  'Chapter 2: The Reeds',
  'Berit went into the reeds, and did not look back for anybody.',
  'Chapter 3: The Clock',
  'The clock was slow.',
  '',
].join('\n\n')

describePages('a dialog in which something is typed', () => {
  let codex: CodexServer
  beforeAll(async () => {
    codex = await startCodexServer(text)
  }, 240_000)
  afterAll(() => codex?.[Symbol.asyncDispose]())

  const question = (page: Page) => page.getByRole('dialog', { name: 'Leave without saving?' })
  const entryOf = async (id: string) => (await codex.entries()).find(entry => entry.id === id)

  /** Opens an entry from the list. */
  async function openEntry(page: Page, name: string) {
    const row = page.locator(`[data-entry="${name}"]`)
    await row.click()
    const dialog = page.getByRole('dialog', { name, exact: true })
    const note = dialog.getByRole('textbox', { name: 'Private note' })
    await note.waitFor()
    return { row, dialog, note }
  }

  /** Writes a field of an entry, or of a thread, as somebody else does meanwhile. */
  const change = (path: string, method: string, version: number, body: object) =>
    codex.server.ask<{ version: number }>(`/v1/novels/${codex.novelId}/${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
      body: JSON.stringify(body),
    })

  test('closes by no way without a question, which Escape closes alone; the focus goes back', async () => {
    await codex.add({ name: 'Lantern' })
    await using opened = await open(codex.page)
    const { page } = opened
    const { row, dialog, note } = await openEntry(page, 'Lantern')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await untilFocused(row)

    await row.click()
    const remove = dialog.getByRole('button', { name: 'Delete' })
    await remove.click()
    const asked = page.getByRole('dialog', { name: 'Delete this entry?' })
    await asked.waitFor()
    await page.keyboard.press('Escape')
    await asked.waitFor({ state: 'detached' })
    await untilFocused(remove)

    await note.fill('It leaks.')
    const ways = [
      () => page.keyboard.press('Escape'),
      () => dialog.getByRole('button', { name: 'Back' }).click(),
      () => dialog.getByRole('button', { name: 'Close' }).click(),
      () => page.mouse.click(5, 5),
    ]
    for (const close of ways) {
      await note.focus()
      await close()
      await untilFocused(question(page).getByRole('button', { name: 'Back' }))
      await page.keyboard.press('Escape')
      await question(page).waitFor({ state: 'detached' })
      expect(await note.inputValue()).toBe('It leaks.')
    }
    await note.focus()
    await page.keyboard.press('Escape')
    await untilFocused(question(page).getByRole('button', { name: 'Back' }))
    await page.keyboard.press('Enter')
    await untilFocused(note)
    expect(await note.inputValue()).toBe('It leaks.')
    await page.keyboard.press('Escape')
    await question(page).getByRole('button', { name: 'Leave' }).click()
    await dialog.waitFor({ state: 'detached' })
    await untilFocused(row)
  })

  test('deletes an entry without saving it', async () => {
    await codex.add({ name: 'Oar' })
    await using opened = await open(codex.page)
    const { page } = opened
    const writes: string[] = []
    page.on('request', request => {
      if (!['GET', 'HEAD'].includes(request.method())) writes.push(request.method())
    })
    const { row, dialog, note } = await openEntry(page, 'Oar')
    await note.fill('It floats.')
    await dialog.getByRole('button', { name: 'Delete' }).click()
    const asked = page.getByRole('dialog', { name: 'Delete this entry?' })
    await asked.getByRole('button', { name: 'Delete' }).click()
    await row.waitFor({ state: 'detached' })
    await dialog.waitFor({ state: 'detached' })
    expect(writes).toEqual(['DELETE'])
  })

  test('keeps the scenes of the changes that stay, when one is removed', async () => {
    const [bridge, reeds] = [await codex.sceneWith('lanterns'), await codex.sceneWith('reeds')]
    const changes = [
      { how: 'add', from: bridge, text: 'Is wet.' },
      { how: 'add', from: reeds, text: 'Is lost.' },
    ]
    const { id } = await codex.add({ name: 'Shawl', changes })
    await using opened = await open(codex.page)
    const { page } = opened
    const { dialog } = await openEntry(page, 'Shawl')
    const chapter = (number: number) =>
      dialog.locator(`[data-change="${number}"]`).getByRole('combobox', { name: 'From this scene on' })
    // The chapter of a change that is picked is known to its fields alone.
    await chapter(1).fill('clock')
    await page.getByRole('option', { name: /The Clock/ }).click()
    await expect.poll(() => chapter(2).inputValue()).toMatch(/The Reeds/)
    await dialog.getByRole('button', { name: 'Remove change 1' }).click()
    await chapter(2).waitFor({ state: 'detached' })
    await expect.poll(() => chapter(1).inputValue()).toMatch(/The Reeds/)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await entryOf(id)).toMatchObject({ changes: [{ from: reeds, text: 'Is lost.' }] })
  })

  test('keeps what is typed while a save is on its way, and closes before the lists are read again', async () => {
    const { id } = await codex.add({ name: 'Rope' })
    await using opened = await open(codex.page)
    const { page } = opened
    const { dialog, note } = await openEntry(page, 'Rope')
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    await page.route(`**/codex/${id}`, async route => {
      await released
      await route.continue()
    })
    await note.fill('It holds.')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await note.fill('It holds. For now.')
    release()
    await page.getByText('Rope is saved.').waitFor()
    expect(await entryOf(id)).toMatchObject({ note: 'It holds.' })
    expect(await note.inputValue()).toBe('It holds. For now.')
    // The list is never answered again.
    await page.route('**/codex?*', () => {})
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await entryOf(id)).toMatchObject({ version: 3, note: 'It holds. For now.' })
    await openEntry(page, 'Rope')
    expect(await note.inputValue()).toBe('It holds. For now.')
  })

  test('keeps the places of a name as they were chosen, whatever a task changes meanwhile', async () => {
    const { server, novelId } = codex
    await codex.add({ name: 'Berit' })
    await using opened = await open(codex.page)
    const { page } = opened
    let reads = 0
    page.on('request', request => {
      if (request.url().endsWith(':places')) reads += 1
    })
    await page.locator('[data-entry="Berit"]').click()
    await page.getByRole('button', { name: 'Rename everywhere' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename Berit' })
    await dialog.getByRole('textbox', { name: 'In place of “Berit”' }).fill('Inga')
    await dialog.getByRole('button', { name: 'Show all places' }).click()
    const place = dialog.getByRole('checkbox', { name: /into the reeds/ }).first()
    await place.uncheck()
    // The list of entries is read again once a task has ended; the places would be with it.
    const readAgain = page.waitForResponse(response => response.url().includes('/codex?'))
    const sceneId = await codex.sceneWith('reeds')
    await server.post('/v1/tasks', { taskType: 'GenerateSummary', parameters: { novelId, sceneId } })
    await readAgain
    expect(await place.isChecked()).toBe(false)
    expect(reads).toBe(1)
  })

  test('offers of a long novel the chapters that are near, and those that are searched for', async () => {
    const { server, novelId } = codex
    await codex.add({ name: 'Clock' })
    await using opened = await open('about:blank')
    const { page } = opened
    await page.route(`**/v1/novels/${novelId}`, async route => {
      const answer = await route.fetch()
      const novel = (await answer.json()) as { outline: { chapters: { id: string; title: string }[] }[] }
      const [volume] = novel.outline
      const [chapter] = volume?.chapters ?? []
      for (let at = 4; at <= 500; at++)
        if (chapter) volume?.chapters.push({ ...chapter, id: `chapter-${at}`, title: `Further ${at}` })
      await route.fulfill({ response: answer, json: novel })
    })
    await page.goto(`${server.url}/novels/${novelId}/codex`)
    const field = page.locator('[data-in-prompt]').getByRole('combobox', { name: 'Scene' })
    await field.click()
    await page.getByRole('option', { name: 'Further 4', exact: true }).waitFor()
    expect(await page.getByRole('option').count()).toBe(60)
    await field.fill('further 500')
    await page.getByRole('option', { name: 'Further 500' }).waitFor()
  })

  test('shows what somebody else wrote beside what is typed, and saves that over it only when told to', async () => {
    const { id } = await codex.add({ name: 'Boat' })
    await using opened = await open(codex.page)
    const { page } = opened
    const { dialog, note } = await openEntry(page, 'Boat')
    expect(
      await dialog
        .getByRole('combobox', { name: 'No text may speak of it before' })
        .getAttribute('placeholder'),
    ).toBe('Every text may')
    await note.fill('Mine.')
    await change(`codex/${id}`, 'PATCH', 1, { note: 'Theirs.' })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('They differ in: Private note.').waitFor()
    const theirs = dialog.locator('[data-version=theirs]').getByRole('textbox', { name: 'Private note' })
    expect(await theirs.inputValue()).toBe('Theirs.')
    const mine = dialog.locator('[data-version=mine]').getByRole('textbox', { name: 'Private note' })
    expect(await mine.inputValue()).toBe('Mine.')
    await mine.press('End')
    await mine.pressSequentially(' And theirs.')
    await dialog.getByRole('button', { name: 'Keep mine' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await entryOf(id)).toMatchObject({ version: 3, note: 'Mine. And theirs.' })
  })

  test('takes the thread of somebody else in place of what is typed, and deletes it only as it is now', async () => {
    const { server, novelId } = codex
    const id = 'a-thread-of-two'
    const write = (version: number, plan: string) =>
      change(`threads/${id}`, 'PUT', version, { title: 'Oars', plan })
    const { version } = await write(0, '')
    await using opened = await open(`${server.url}/novels/${novelId}/threads`)
    const { page } = opened
    await page.locator('[data-thread=Oars]').getByRole('button', { name: 'Edit' }).click()
    const dialog = page.getByRole('dialog', { name: 'Oars', exact: true })
    const plan = dialog.getByRole('textbox', { name: 'What you plan with it' })
    await plan.fill('Mine.')
    await write(version, 'Theirs.')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('They differ in: What you plan with it.').waitFor()
    await dialog.getByRole('button', { name: 'Take the other' }).click()
    await expect.poll(() => plan.inputValue()).toBe('Theirs.')

    await write(version + 1, 'Newest.')
    const confirm = async () => {
      await dialog.getByRole('button', { name: 'Delete' }).click()
      await page
        .getByRole('dialog', { name: 'Delete this thread?' })
        .getByRole('button', { name: 'Delete' })
        .click()
    }
    await confirm()
    const there = dialog
      .locator('[data-version=theirs]')
      .getByRole('textbox', { name: 'What you plan with it' })
    await expect.poll(() => there.inputValue()).toBe('Newest.')
    await confirm()
    await dialog.waitFor({ state: 'detached' })
    expect(await server.ask(`/v1/novels/${novelId}/threads`)).toEqual({ items: [] })
  })
})
