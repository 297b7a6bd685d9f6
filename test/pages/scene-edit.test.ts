import type { Page, Request } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Scene } from '../../dashboard/src/queries/novel-queries.ts'
import {
  collides,
  type Draft,
  draftOf,
  editOf,
  rebased,
  surplusDrafts,
} from '../../dashboard/src/scenes/draft.ts'
import { holdEdits } from './held-edits.ts'
import { describePages, open, type PageServer, startServer, untilFocused } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

describePages('editing a scene', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  const textBox = (page: Page) => page.locator('[data-editor] textarea')
  const openEditor = (page: Page, name = 'Edit') =>
    page.locator('[data-scene-text]').locator('xpath=..').getByRole('button', { name }).click()

  const change = (sceneId: string, edit: object) => it.edit(sceneId, edit)

  async function written(title: string, content = 'The scale was wrong by a thumb.'): Promise<string> {
    const sceneId = await it.addScene(title)
    await change(sceneId, { content })
    return sceneId
  }

  test('saves text and title, counts words as the server does, and keeps the old text', async () => {
    const sceneId = await written('The thumb')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await page.getByLabel('Title').fill('A thumb of salt')
    await textBox(page).fill("The scale wasn't right. 称不准。")
    await page.locator('[data-words="7"]').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'A thumb of salt' }).waitFor()
    await page.getByText('7 words').waitFor()
    await page.getByRole('tab', { name: 'History' }).click()
    await page.locator('[data-entry]').getByText('The scale was wrong by a thumb.').waitFor()
  })

  test('forgets what was typed and not saved 30 days ago, of every scene', async () => {
    const [sceneId, fresh] = [await written('Long ago'), await written('Not so long ago')]
    await using opened = await open(`${new URL(it.pageOf(sceneId)).origin}/settings`)
    const { page } = opened
    const names = await page.evaluate(
      ([old, young]) => {
        const day = 24 * 3_600_000
        const base = { title: '', content: 'The scale was wrong by a thumb.' }
        const draft = { title: '', content: 'Half a sentence', version: 1, base }
        const ages = { [`${old}`]: 30.1 * day, 'another-scene': 31 * day, [`${young}`]: 29 * day }
        for (const [id, age] of Object.entries(ages)) {
          const stored = JSON.stringify({ ...draft, at: Date.now() - age })
          localStorage.setItem(`quillwork.draft.${id}`, stored)
        }
        localStorage.setItem('quillwork.draft.no-time', JSON.stringify(draft))
        return Object.keys(localStorage)
      },
      [sceneId, fresh] as const,
    )
    expect(names).toContain(`quillwork.draft.${sceneId}`)
    await page.goto(it.pageOf(sceneId))
    await page.locator('[data-scene-text]').waitFor()
    expect(await page.getByText('You have unsaved changes').count()).toBe(0)
    const kept = await page.evaluate(() => Object.keys(localStorage))
    expect(kept.filter(name => name.startsWith('quillwork.draft.'))).toEqual([`quillwork.draft.${fresh}`])
    await page.goto(it.pageOf(fresh))
    await page.getByText('You have unsaved changes').waitFor()
  })

  test('is over at the sign-out in another tab, which asks nothing here and leaves nothing of what was typed', async () => {
    const sceneId = await written('Signed out')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const dialogs: string[] = []
    page.on('dialog', dialog => {
      dialogs.push(dialog.type())
      void dialog.dismiss()
    })
    await page.evaluate(() => localStorage.setItem('quillwork.token', '"the-token-of-this-browser"'))
    await page.reload()
    await openEditor(page)
    await textBox(page).click()
    await page.keyboard.type('Half a sentence')
    await page.evaluate(() => document.body.setAttribute('data-before', ''))
    // Whoever types on while the page is left.
    await page.evaluate(() => {
      window.addEventListener('pagehide', () => {
        const box = document.querySelector<HTMLTextAreaElement>('[data-editor] textarea')
        const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')?.set
        set?.call(box, 'Half a sentence more')
        box?.dispatchEvent(new Event('input', { bubbles: true }))
      })
    })
    const other = await opened.newTab(`${new URL(page.url()).origin}/settings`)
    await other.getByRole('button', { name: 'Sign out' }).click()
    const question = other.getByRole('dialog')
    await question
      .getByText('The unsaved changes of 1 scene are lost, and edits that were not sent yet.')
      .waitFor()
    await question.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('body:not([data-before]) [data-scene-text]').waitFor()
    const left = await page.evaluate(() => Object.keys({ ...localStorage, ...sessionStorage }))
    expect(left.filter(name => /draft|token/.test(name))).toEqual([])
    expect(await page.locator('[data-editor]').count()).toBe(0)
    expect(dialogs).toEqual([])
  })

  test('keeps what was typed through a reload, warns before it is left, and offers it again', async () => {
    const sceneId = await written('Unsaved')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    page.on('dialog', dialog => void dialog.accept())
    await openEditor(page)
    await textBox(page).fill('Half a sentence that was never')
    await page.reload()
    await page.getByText('You have unsaved changes').waitFor()
    await page.getByRole('button', { name: 'Go on with them' }).click()
    expect(await textBox(page).inputValue()).toBe('Half a sentence that was never')
    await page.getByRole('link', { name: 'Tasks' }).click()
    const question = page.getByRole('dialog')
    await question.getByText('Your changes are not saved in the novel.').waitFor()
    await question.getByRole('button', { name: 'Back' }).click()
    expect(await textBox(page).inputValue()).toBe('Half a sentence that was never')
    await page.getByRole('link', { name: 'Tasks' }).click()
    await question.getByRole('button', { name: 'Leave' }).click()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    expect((await it.scene(sceneId)).content).toBe('The scale was wrong by a thumb.')
    await page.goto(it.pageOf(sceneId))
    await page.getByRole('button', { name: 'Discard them' }).click()
    await page.reload()
    await page.locator('[data-scene-text]').waitFor()
    expect(await page.getByText('You have unsaved changes').count()).toBe(0)
  })

  test('keeps what another tab typed when this one saves or discards its own', async () => {
    const sceneId = await written('Two tabs')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await textBox(page).fill('Mine.')
    const other = await opened.newTab(it.pageOf(sceneId))
    const offer = other.getByText('You have unsaved changes')
    await offer.waitFor()
    await openEditor(other)
    await textBox(other).fill('Five hundred words.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-scene-text]').getByText('Mine.').waitFor()
    const kept = await other.evaluate(() => JSON.stringify({ ...localStorage }))
    expect(kept).toContain('Five hundred words.')
    expect(kept).not.toContain('Mine.')
    await openEditor(page)
    await textBox(page).fill('Mine again.')
    await textBox(other).fill('Five hundred words more.')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await other.getByRole('link', { name: 'Tasks' }).click()
    const question = other.getByRole('dialog')
    await question.getByText('They are kept in this browser').waitFor()
    await question.getByRole('button', { name: 'Leave' }).click()
    await other.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await other.goBack()
    await offer.waitFor()
    await other.getByRole('button', { name: 'Go on with them' }).click()
    expect(await textBox(other).inputValue()).toBe('Five hundred words more.')
  })

  test('keeps what each of two tabs typed when both are closed, and offers the newest first', async () => {
    const sceneId = await written('Two closed tabs')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await textBox(page).fill('Of the first tab.')
    const other = await opened.newTab(it.pageOf(sceneId))
    await openEditor(other)
    // The first tab is open: it keeps its own, though this one goes on with it.
    const kept = () =>
      page.evaluate(() => Object.keys(localStorage).filter(name => name.startsWith('quillwork.draft.')))
    await expect.poll(kept).toHaveLength(2)
    await textBox(other).fill('Of the second tab.')
    await page.close()
    await other.close()
    const third = await opened.newTab(it.pageOf(sceneId))
    await third.locator('[data-older-draft] summary').click()
    await third.locator('[data-older-draft]').getByText('Of the first tab.').waitFor()
    await third.getByRole('button', { name: 'Go on with them' }).click()
    expect(await textBox(third).inputValue()).toBe('Of the second tab.')
    await third.getByRole('button', { name: 'Save' }).click()
    await third.locator('[data-scene-text]').getByText('Of the second tab.').waitFor()
    await third.getByRole('button', { name: 'Discard them' }).click()
    const left = await third.evaluate(() => Object.keys(localStorage))
    expect(left.filter(name => name.startsWith('quillwork.draft.'))).toEqual([])
  })

  test('says that what was typed is lost where the browser stores nothing', async () => {
    const sceneId = await written('Full')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await textBox(page).fill('Half a sentence')
    await page.evaluate(() => {
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError')
      }
    })
    await textBox(page).fill('Half a sentence that was never')
    await page.getByRole('link', { name: 'Tasks' }).click()
    const question = page.getByRole('dialog')
    await question.getByText('What you wrote was not saved and will be lost.').waitFor()
    await question.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.locator('[data-scene-text]').waitFor()
    await page.reload()
    await page.locator('[data-scene-text]').waitFor()
    expect(await page.getByText('You have unsaved changes').count()).toBe(0)
  })

  test('keeps what is typed while a save is on its way, and sends one save at a time', async () => {
    const sceneId = await written('On its way')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    const edits = await holdEdits(page)
    await textBox(page).fill('First.')
    await textBox(page).press('Control+s')
    await expect.poll(() => edits.sent).toEqual([{ content: 'First.' }])
    await textBox(page).fill('First. Second.')
    await textBox(page).press('Control+s')
    edits.release()
    await page.getByText('What you typed since is not saved yet.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('First.')
    expect(await textBox(page).inputValue()).toBe('First. Second.')
    expect(await page.getByText('The scene was changed since you began.').count()).toBe(0)
    await textBox(page).press('Control+s')
    await page.locator('[data-scene-text]').getByText('First. Second.').waitFor()
    expect(edits.sent).toEqual([{ content: 'First.' }, { content: 'First. Second.' }])
    expect((await it.scene(sceneId)).content).toBe('First. Second.')
  })

  test('shows what was saved, also where a reading from before the save answers after it', async () => {
    const sceneId = await written('Slow reading')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await textBox(page).fill('The newest.')
    let letGo = () => {}
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    let readings = 0
    let isAnswered = false
    let ended = Promise.resolve<unknown>(undefined)
    await page.route(`**/v1/scenes/${sceneId}`, async route => {
      const asked = route.request()
      if (asked.method() !== 'GET' || readings++ > 0) return route.continue()
      // A page may give it up for the newer one.
      const isAsked = (request: Request) => request === asked
      ended = Promise.race([
        page.waitForEvent('requestfinished', isAsked),
        page.waitForEvent('requestfailed', isAsked),
      ])
      const response = await route.fetch()
      isAnswered = true
      await held
      await route.fulfill({ response })
    })
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })))
    await expect.poll(() => isAnswered).toBe(true)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-scene-text]').getByText('The newest.').waitFor()
    await expect.poll(() => readings).toBe(2)
    letGo()
    await ended
    await openEditor(page)
    expect(await textBox(page).inputValue()).toBe('The newest.')
  })

  test('shows both versions where somebody else was faster, and overwrites nothing unasked', async () => {
    const sceneId = await written('Two hands')
    await using opened = await open(it.pageOf(sceneId), { language: 'zh' })
    const { page } = opened
    await openEditor(page, '编辑')
    await textBox(page).fill('Mine.')
    await change(sceneId, { content: 'Theirs.' })
    await page.getByRole('button', { name: '保存' }).click()
    await page.locator('[data-version=mine]').getByText('Mine.').waitFor()
    await page.locator('[data-version=theirs]').getByText('Theirs.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('Theirs.')
    await page.getByRole('button', { name: '保留我的' }).click()
    await page.locator('[data-scene-text]').getByText('Mine.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('Mine.')
    await page.getByRole('tab', { name: '历史' }).click()
    await page.locator('[data-entry]').getByText('Theirs.').waitFor()
  })

  test('takes theirs where the person wants that, and asks nothing where both changed something else', async () => {
    const sceneId = await written('Apart')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    await openEditor(page)
    await page.getByLabel('Title').fill('Mine')
    await change(sceneId, { content: 'Their text.' })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'Mine' }).waitFor()
    expect(await it.scene(sceneId)).toMatchObject({ title: 'Mine', content: 'Their text.' })
    await openEditor(page)
    await textBox(page).fill('My text.')
    await change(sceneId, { content: 'Their newest text.' })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Take this one' }).click()
    await page.locator('[data-scene-text]').getByText('Their newest text.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('Their newest text.')
    await page.getByRole('button', { name: 'Go on with them' }).click()
    expect(await textBox(page).inputValue()).toBe('My text.')
    await page.getByRole('button', { name: 'Discard changes' }).click()
    await page.locator('[data-scene-text]').getByText('Their newest text.').waitFor()
    expect(await page.getByText('You have unsaved changes').count()).toBe(0)
  })

  test('compares an older text with the present one, and puts it back', async () => {
    const sceneId = await written('Older', 'Berit opened the heavy ledger.')
    await change(sceneId, { content: 'Berit closed the heavy ledger.' })
    await using opened = await open(it.pageOf(sceneId, '?part=history'))
    const { page } = opened
    await page.getByRole('button', { name: 'Read' }).first().click()
    await page.getByText('Compared with now').click()
    const diff = page.locator('[data-diff] .prose')
    await diff.waitFor()
    expect(await diff.locator('del').allTextContents()).toEqual(['removed: opened'])
    expect(await diff.locator('ins').allTextContents()).toEqual(['added: closed'])
    await page.getByRole('button', { name: 'Put back' }).click()
    await expect.poll(async () => (await it.scene(sceneId)).content).toBe('Berit opened the heavy ledger.')
  })

  test('edits the summary and has it made again', async () => {
    const sceneId = await written('Summed', 'The tide rose. Berit counted the sledges twice. Nobody came.')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const summary = page.locator('[data-summary]')
    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox').fill('She counts, and is alone.')
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('She counts, and is alone.').waitFor()
    await summary.getByRole('button', { name: 'Make it again' }).click()
    await summary.locator('[data-origin=extractive]').waitFor()
    expect((await it.scene(sceneId)).summary?.method).toBe('extractive')
    // What did not come of a task matters until somebody writes the summary.
    const parameters = { novelId: it.novelId, sceneId }
    const task = { taskType: 'GenerateSummary', parameters, delay: '1h' }
    const { id } = await it.server.post<{ id: string }>('/v1/tasks', task)
    await it.server.post(`/v1/tasks/${id}:cancel`)
    const notMade = summary.getByText('The task was cancelled')
    await notMade.waitFor()
    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox').fill('She counts twice.')
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByRole('button', { name: 'Make it again' }).waitFor()
    await notMade.waitFor({ state: 'detached' })
  })

  test('a summary outrun by another one is shown beside it, and is not left behind unasked', async () => {
    const sceneId = await written('Outrun')
    await change(sceneId, { summary: 'She measures.' })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const summary = page.locator('[data-summary]')
    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox').fill('She measures again.')
    await page.getByRole('link', { name: 'Tasks' }).click()
    const question = page.getByRole('dialog', { name: 'Leave without saving?' })
    await question.getByRole('button', { name: 'Back' }).click()
    await change(sceneId, { summary: 'She weighs.' })
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByText('The scene changed while you wrote').first().waitFor()
    await summary.getByText('She weighs.', { exact: true }).waitFor()
    expect((await it.scene(sceneId)).summary?.text).toBe('She weighs.')
    await summary.getByRole('button', { name: 'Keep mine' }).click()
    await expect.poll(async () => (await it.scene(sceneId)).summary?.text).toBe('She measures again.')
    await summary.getByText('She measures again.', { exact: true }).waitFor()
    // A change of the text beside it is no other version of the summary.
    await summary.getByRole('button', { name: 'Edit' }).click()
    await summary.getByRole('textbox').fill('She measures once more.')
    await change(sceneId, { content: 'The scale was right.' })
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByRole('button', { name: 'Edit' }).waitFor()
    expect(await it.scene(sceneId)).toMatchObject({
      content: 'The scale was right.',
      summary: { text: 'She measures once more.' },
    })
  })

  test('a summary that is left unsaved is not saved by leaving it, beside another one neither', async () => {
    const sceneId = await written('Left')
    await change(sceneId, { summary: 'She measures.' })
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const summary = page.locator('[data-summary]')
    const leave = async () => {
      await page.getByRole('link', { name: 'Tasks' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click()
      await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    }
    const type = async (text: string) => {
      await summary.getByRole('button', { name: 'Edit' }).click()
      await summary.getByRole('textbox').fill(text)
    }
    const edits = await holdEdits(page)
    edits.release()
    await type('Mine.')
    await leave()
    await page.goBack()
    await type('Mine again.')
    await change(sceneId, { summary: 'Theirs.' })
    await summary.getByRole('button', { name: 'Save' }).click()
    await summary.getByRole('button', { name: 'Keep mine' }).waitFor()
    await leave()
    expect(edits.sent).toEqual([{ summary: 'Mine again.' }])
    expect((await it.scene(sceneId)).summary?.text).toBe('Theirs.')
  })

  test('how a scene is told is saved beside another change of it, and not over another telling unseen', async () => {
    const sceneId = await written('Told')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const part = page.locator('[data-narration]')
    const eyes = part.getByRole('textbox', { name: 'Whose eyes' })
    await eyes.fill('Berit')
    await change(sceneId, { content: 'The scale was right.' })
    await part.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It is saved.').waitFor()
    const told = async () => (await it.scene(sceneId)) as { narration?: { povCharacter?: string } }
    expect(await told()).toMatchObject({ narration: { povCharacter: 'Berit' } })
    await eyes.fill('Mr. Pell')
    await change(sceneId, { narration: { povCharacter: 'The heron' } })
    await part.getByRole('button', { name: 'Save' }).click()
    await part.getByText('The heron').waitFor()
    expect(await told()).toMatchObject({ narration: { povCharacter: 'The heron' } })
    const refused = `**/v1/scenes/${sceneId}`
    await page.route(refused, route => route.fulfill({ status: 503 }))
    await part.getByRole('button', { name: 'Keep mine' }).click()
    await part.getByText('That did not work').waitFor()
    await page.unroute(refused)
    const edits = await holdEdits(page)
    const keep = part.getByRole('button', { name: 'Keep mine' })
    await keep.click()
    await expect.poll(() => edits.sent.length).toBe(1)
    // Both stay until it is saved.
    await expect.poll(() => keep.isDisabled()).toBe(true)
    expect(await part.getByText('The heron').count()).toBe(1)
    edits.release()
    await expect.poll(told).toMatchObject({ narration: { povCharacter: 'Mr. Pell' } })
  })

  test('a text that is saved makes what quotes it out of date, where that was shown before', async () => {
    const sceneId = await written('Quoted')
    const thread = `/v1/novels/${it.novelId}/threads/lamp`
    await it.server.ask(thread, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': '"0"' },
      body: JSON.stringify({
        title: 'The thumb',
        events: [{ kind: 'planted', scene: sceneId, quotation: 'wrong by a thumb' }],
      }),
    })
    await using opened = await open(`${it.server.url}/novels/${it.novelId}/threads`)
    const { page } = opened
    const shown = page.locator('[data-thread="The thumb"]')
    await shown.getByRole('link').first().click()
    await openEditor(page)
    await textBox(page).fill('The scale was right.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-scene-text]').getByText('The scale was right.').waitFor()
    await page.goBack()
    await shown.getByText('out of date').waitFor()
  })

  test('an editor has the keys while it is open, and gives them back to what opened it', async () => {
    const sceneId = await written('Keys')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const edit = page.locator('[data-scene-text]').locator('xpath=..').getByRole('button', { name: 'Edit' })
    await edit.click()
    await untilFocused(textBox(page))
    await page.getByRole('button', { name: 'Close' }).click()
    await untilFocused(edit)
    const summary = page.locator('[data-summary]')
    const editSummary = summary.getByRole('button', { name: 'Edit' })
    await editSummary.click()
    await untilFocused(summary.getByRole('textbox'))
    await summary.getByRole('button', { name: 'Cancel' }).click()
    await untilFocused(editSummary)
  })

  test('leads from scene to scene, over the end of a chapter too', async () => {
    const novel = `/v1/novels/${it.novelId}`
    const { outline } = await it.server.ask<{ outline: { chapters: { id: string }[] }[] }>(novel)
    const chapters = outline.flatMap(volume => volume.chapters)
    const read = chapters.map(({ id }) =>
      it.server.ask<{ scenes: { id: string }[] }>(`${novel}/chapters/${id}`),
    )
    const [first, ...others] = (await Promise.all(read)).flatMap(({ scenes }) => scenes)
    await using opened = await open(it.pageOf(first?.id ?? ''))
    const { page } = opened
    const next = page.getByRole('link', { name: 'Next' })
    await next.waitFor()
    expect(await page.getByRole('link', { name: 'Previous' }).count()).toBe(0)
    for (const { id } of others) {
      // The address changes before the page does, whose way on leads from the scene before.
      await next.and(page.locator(`[href$="${id}"]`)).click()
      await page.waitForURL(it.pageOf(id))
    }
    await page.getByText('Chapter 2: Ink').waitFor()
    await page.getByRole('link', { name: 'Previous' }).waitFor()
  })
})

test('what is typed during a save begins with what was saved; what nobody saw still collides', () => {
  const scene = { id: 's', content: 'Old.', title: 'T', version: 1 } as Scene
  const sent = { ...draftOf(scene), content: 'Sent.' }
  const now = { ...sent, content: 'Sent. More.', title: 'U' }
  const saved = { ...scene, content: 'Sent.', version: 2 }
  expect(rebased(now, sent, saved)).toMatchObject({
    title: 'U',
    content: 'Sent. More.',
    version: 2,
    base: { title: 'T', content: 'Sent.' },
  })
  expect(editOf(rebased(sent, sent, saved))).toEqual({})
  const theirs = { ...saved, title: 'Theirs' }
  expect(rebased(sent, sent, theirs)).toMatchObject({ title: 'Theirs', version: 2 })
  const unseen = rebased(now, sent, theirs)
  expect(unseen).toMatchObject({ title: 'U', version: 1, base: { title: 'T', content: 'Sent.' } })
  expect(collides(unseen, theirs)).toBe(true)
})

test('the ten newest drafts of a scene are kept, and of all scenes two million characters', () => {
  const draft = (scene: string, at: number, length: number): Draft => {
    const base = { title: '', content: 'x'.repeat(length) }
    return { ...base, name: `quillwork.draft.${scene}.${at}`, version: 1, base, at }
  }
  const ofOne = Array.from({ length: 12 }, (_, at) => draft('one', at, 1))
  expect(surplusDrafts(ofOne).map(({ at }) => at)).toEqual([1, 0])
  const large = Array.from({ length: 5 }, (_, at) => draft(`scene-${at}`, at, 250_000))
  expect(surplusDrafts(large).map(({ at }) => at)).toEqual([0])
})

describePages('a scene without a model', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer()
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test.each(['en', 'zh'] as const)('says what is missing and makes a brief (%s)', async language => {
    const { taskId, novelId } = await server.importText(
      'Chapter 1\n\nBerit Hask opened the ledger at Anderby Pans. The salt came in on sledges.\n',
    )
    await server.ended(taskId)
    const { outline } = await server.ask<{ outline: { chapters: { id: string }[] }[] }>(
      `/v1/novels/${novelId}`,
    )
    const { scenes } = await server.ask<{ scenes: { id: string }[] }>(
      `/v1/novels/${novelId}/chapters/${outline[0]?.chapters[0]?.id}`,
    )
    await using opened = await open(`${server.url}/novels/${novelId}/scenes/${scenes[0]?.id}`, { language })
    const { page } = opened
    const why = page.locator('[data-no-model]')
    await why.getByText('export QUILLWORK_MODEL=').waitFor()
    expect(await page.locator('button:disabled').count()).toBe(0)
    await why.getByRole('link', { name: language === 'en' ? 'To the brief' : '查看写作提要' }).click()
    await page.getByRole('button', { name: language === 'en' ? 'Make the brief' : '生成提要' }).click()
    const name = page.locator('[data-brief]').getByText('Berit Hask', { exact: true })
    await name.waitFor()
    // It stays where the next one is not made.
    const task = { taskType: 'SceneBrief', parameters: { novelId, sceneId: scenes[0]?.id }, delay: '1h' }
    const { id } = await server.post<{ id: string }>('/v1/tasks', task)
    await server.post(`/v1/tasks/${id}:cancel`)
    await page.reload()
    await name.waitFor()
  })
})
