import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'

const story = [
  'The Ferry',
  ...['Noon', 'Dusk', 'Night'].flatMap((name, at) => [`Chapter ${at + 1}: ${name}`, `${name} came.`]),
]

interface Outline {
  outline: { chapters: { id: string }[] }[]
}

/** The titles of the chapters, as the page lists them. */
function listed(page: Page): Promise<string[]> {
  const lines = page.getByRole('region', { name: 'Chapters' }).getByRole('listitem').getByRole('link')
  return lines.evaluateAll(all => all.map(each => each.firstElementChild?.textContent ?? ''))
}

const [noon, dusk, night] = ['Chapter 1: Noon', 'Chapter 2: Dusk', 'Chapter 3: Night'] as const

describePages('the shape of a novel', () => {
  let server: PageServer
  let novelId = ''
  beforeAll(async () => {
    server = await startServer()
    const imported = await server.importText(`${story.join('\n\n')}\n`, 'ferry.txt')
    novelId = imported.novelId
    await server.ended(imported.taskId)
  }, 180_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('a novel is begun from the shelf, gets chapters, and another title', async () => {
    await using opened = await open(server.url)
    const { page } = opened
    await page.getByRole('button', { name: 'Begin a novel' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Title').fill('The Mill')
    await dialog.getByRole('button', { name: 'Begin', exact: true }).click()
    await page.getByRole('heading', { name: 'The Mill' }).waitFor()
    for (const title of ['The letter', 'The bridge']) {
      await page.getByRole('button', { name: 'Add a chapter' }).click()
      await dialog.getByLabel('Title').fill(title)
      await dialog.getByRole('button', { name: 'Add', exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    await expect.poll(() => listed(page)).toEqual(['Chapter 1', 'The letter', 'The bridge'])
    await page.getByRole('button', { name: 'Change: Chapter 1' }).click()
    await dialog.getByLabel('Title').fill('The mill at night')
    await dialog.getByLabel('Target of words').fill('2000')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await expect.poll(() => listed(page)).toEqual(['The mill at night', 'The letter', 'The bridge'])
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Title, author, target' }).click()
    await dialog.getByLabel('Title').fill('The River')
    await dialog.getByLabel('Author').fill('A. Writer')
    // Somebody else is quicker, which this page does not know.
    await server.ask(new URL(page.url()).pathname.replace('/novels', '/v1/novels'), {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'The Weir' }),
    })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('Somebody changed this while you wrote').waitFor()
    await dialog.getByText('The Weir').waitFor()
    await dialog.getByRole('button', { name: 'Keep mine' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('heading', { name: 'The River' }).waitFor()
    await page.getByText('A. Writer').waitFor()
    await page.getByRole('link', { name: /The mill at night/ }).click()
    await page.getByText('0 of 2,000 words').waitFor()
    await page.getByRole('link', { name: 'Edit, write, history' }).click()
    await page.waitForURL(/\/scenes\/[\w-]+$/)
    await page.getByRole('heading', { level: 1 }).waitFor()
  })

  test('chapters are moved by the dialog, by dragging and by keys, and each can be undone', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: `Change: ${night}` }).click()
    await dialog.getByRole('button', { name: 'Move up' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, night, dusk])
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, dusk, night])
    await page.getByRole('link', { name: night }).dragTo(page.getByRole('link', { name: noon }))
    await expect.poll(() => listed(page)).toEqual([night, noon, dusk])
    await page.getByRole('link', { name: night }).press('Alt+ArrowDown')
    await expect.poll(() => listed(page)).toEqual([noon, night, dusk])
    await page.getByRole('button', { name: `Change: ${night}` }).click()
    await dialog.getByLabel('Move before the chapter').fill('Noon')
    await page.getByRole('option', { name: noon }).click()
    await expect.poll(() => listed(page)).toEqual([night, noon, dusk])
    await page.getByRole('link', { name: night }).press('Alt+ArrowDown')
    await expect.poll(() => listed(page)).toEqual([noon, night, dusk])
    await page.getByRole('link', { name: night }).press('Alt+ArrowDown')
    await expect.poll(() => listed(page)).toEqual([noon, dusk, night])
  })

  test('two chapters become one, and a scene begins a chapter again', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: `Change: ${noon}` }).click()
    await dialog.getByRole('button', { name: 'Add the next chapter to this one' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, night])
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, dusk, night])
    await page.getByRole('button', { name: `Change: ${dusk}` }).click()
    await dialog.getByRole('button', { name: 'Add the next chapter to this one' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, dusk])
    await page.getByRole('link', { name: dusk }).click()
    const texts = () =>
      page.locator('[data-scene]').evaluateAll(all => all.map(each => each.textContent ?? ''))
    await expect
      .poll(texts)
      .toMatchObject([/Dusk came/, /Night came/].map(text => expect.stringMatching(text)))
    await page.getByRole('button', { name: 'Change: Scene 2' }).click()
    await page.getByRole('menuitem', { name: 'Move up' }).click()
    await expect
      .poll(texts)
      .toMatchObject([/Night came/, /Dusk came/].map(text => expect.stringMatching(text)))
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect
      .poll(texts)
      .toMatchObject([/Dusk came/, /Night came/].map(text => expect.stringMatching(text)))
    await page.getByRole('button', { name: 'Change: Scene 2' }).click()
    await page.getByRole('menuitem', { name: 'Move to another chapter' }).click()
    await dialog.getByLabel('Chapter').fill('Noon')
    await page.getByRole('option', { name: noon }).click()
    await dialog.getByRole('button', { name: 'Move', exact: true }).click()
    await expect.poll(texts).toMatchObject([expect.stringMatching(/Dusk came/)])
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect
      .poll(texts)
      .toMatchObject([/Dusk came/, /Night came/].map(text => expect.stringMatching(text)))
    await page.getByRole('button', { name: 'Change: Scene 1' }).click()
    await page.getByRole('menuitem', { name: 'Add the text of the next scene' }).click()
    await expect.poll(texts).toMatchObject([expect.stringMatching(/Dusk came\.\s*Night came\./)])
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect
      .poll(texts)
      .toMatchObject([/Dusk came/, /Night came/].map(text => expect.stringMatching(text)))
    await page.getByRole('button', { name: 'Change: Scene 2' }).click()
    await page.getByRole('menuitem', { name: 'Begin a chapter here' }).click()
    await page.getByText('A chapter begins here now.').waitFor()
    await page.getByRole('link', { name: 'The Ferry' }).click()
    await expect.poll(() => listed(page)).toEqual([noon, dusk, 'Chapter 3'])
  })

  test('words are found in the whole novel, and replaced where that was chosen', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    await page.getByRole('button', { name: 'What else can be done' }).click()
    await page.getByRole('menuitem', { name: 'Find and replace' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Find').fill('came')
    await dialog.getByLabel('Replace with').fill('went')
    await dialog.getByRole('button', { name: 'Show all places' }).click()
    await dialog.getByText('3 places, 3 chosen').waitFor()
    await dialog.getByRole('checkbox', { name: 'Dusk came went' }).uncheck()
    await dialog.getByText('3 places, 2 chosen').waitFor()
    await dialog.getByRole('button', { name: 'Replace', exact: true }).click()
    await page.waitForURL(/\/tasks\//)
    const texts = async () => {
      const { outline } = await server.ask<Outline>(`/v1/novels/${novelId}`)
      const found: string[] = []
      for (const { id } of outline.flatMap(({ chapters }) => chapters)) {
        const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
          `/v1/novels/${novelId}/chapters/${id}`,
        )
        for (const scene of scenes)
          found.push((await server.ask<{ content: string }>(`/v1/scenes/${scene.id}`)).content)
      }
      return found
    }
    await expect.poll(texts).toEqual(['Noon went.', 'Dusk came.', 'Night went.'])
  })

  test('what is deleted is in the bin, is put back, and is gone once that is asked for', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    const dialog = page.getByRole('dialog', { name: 'Bin' })
    await page.getByRole('button', { name: `Change: ${noon}` }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => listed(page)).not.toContain(noon)
    const openBin = async () => {
      await page.getByRole('button', { name: 'What else can be done' }).click()
      await page.getByRole('menuitem', { name: 'Bin' }).click()
    }
    await openBin()
    await dialog.getByText(noon).waitFor()
    await dialog.getByText('1 scene, 2 words').waitFor()
    await dialog.getByRole('button', { name: 'Put back' }).click()
    await dialog.getByText('The bin is empty.').waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => listed(page)).toContain(noon)
    await page.getByRole('link', { name: noon }).click()
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL(/\/novels\/[\w-]+$/)
    await openBin()
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await page
      .getByRole('dialog', { name: 'Delete for good?' })
      .getByRole('button', { name: 'Delete for good' })
      .click()
    await dialog.getByText('The bin is empty.').waitFor()
  })

  test('a scene is cut in two at the cursor, and is as it was once that is undone', async () => {
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    await page.getByRole('link', { name: dusk }).click()
    await page.getByRole('link', { name: 'Edit, write, history' }).click()
    await page
      .getByRole('tabpanel', { name: 'Text' })
      .getByRole('button', { name: 'Edit', exact: true })
      .click()
    const text = page.getByRole('textbox', { name: 'Text', exact: true })
    const divide = page.getByRole('button', { name: 'Divide the scene at the cursor' })
    await text.press('Control+Home')
    expect(await divide.isDisabled()).toBe(true)
    for (let at = 0; at < 5; at++) await text.press('ArrowRight')
    await divide.click()
    const shown = page.locator('[data-scene-text]')
    await expect.poll(() => shown.textContent()).toBe('Dusk')
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => shown.textContent()).toBe('Dusk came.')
  })
})
