import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Scene } from '../../dashboard/src/queries/novel-queries.ts'
import {
  collides,
  draftOf,
  editOf,
  isOutrun,
  isSavedIn,
  rebased,
  withSent,
  writtenOver,
} from '../../dashboard/src/scenes/draft.ts'
import { describePages, open, untilFocused } from './kit/kit.ts'
import { type SceneServer, startSceneServer } from './scene-server.ts'

describePages('edits of scenes while the server cannot be reached', () => {
  let it: SceneServer
  beforeAll(async () => {
    it = await startSceneServer()
  }, 180_000)
  afterAll(() => it?.[Symbol.asyncDispose]())

  const textBox = (page: Page) => page.locator('[data-editor] textarea')
  const unsent = (page: Page, count: number) => page.locator(`[data-unsent="${count}"]`)

  const editButton = (page: Page, name = 'Edit') =>
    page.locator('[data-scene-text]').locator('xpath=..').getByRole('button', { name })

  async function written(title: string): Promise<string> {
    const sceneId = await it.addScene(title)
    await it.edit(sceneId, { content: 'The scale was wrong by a thumb.' })
    return sceneId
  }

  async function edit(page: Page, text: string, names = { edit: 'Edit', save: 'Save' }): Promise<void> {
    await editButton(page, names.edit).click()
    await textBox(page).fill(text)
    await page.getByRole('button', { name: names.save, exact: true }).click()
  }

  test('are kept through the end of all tabs and sent when it is back; what others changed or deleted meanwhile is the choice of the person', async () => {
    const sent = await written('Sent')
    const outrun = await written('Outrun')
    const deleted = await written('Deleted')
    const dropped = await written('Dropped')
    await using opened = await open(it.pageOf(sent))
    const { page } = opened
    const second = await opened.newTab(it.pageOf(outrun))
    const third = await opened.newTab(it.pageOf(deleted))
    const fourth = await opened.newTab(it.pageOf(dropped))
    const tabs = [page, second, third, fourth]
    for (const tab of tabs) await tab.locator('[data-scene-text]').waitFor()
    await third.getByRole('link', { name: 'Previous' }).waitFor()
    const context = page.context()
    await context.setOffline(true)
    await edit(page, 'Mine, first.')
    await page.getByText('Saved in this browser, not in the novel yet').waitFor()
    await page.getByRole('article').getByText('Mine, first.').waitFor()
    await page.getByRole('button', { name: 'Go on editing' }).click()
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
    await textBox(page).fill('Mine, and more.')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('article').getByText('Mine, and more.').waitFor()
    await edit(second, 'Mine, beside theirs.')
    await edit(third, 'Mine, of a scene that is gone.')
    await edit(fourth, 'Mine, of no use.')
    for (const tab of tabs) await unsent(tab, 4).waitFor()
    // Nothing is lost by leaving, so nothing asks.
    await third.getByRole('link', { name: 'Previous' }).click()
    await third.waitForURL(it.pageOf(outrun))
    for (const tab of tabs) await tab.close()
    await it.edit(outrun, { content: 'Theirs.' })
    const { version } = await it.scene(deleted)
    await it.server.ask(`/v1/scenes/${deleted}`, {
      method: 'DELETE',
      headers: { 'if-match': `"${version}"` },
    })
    const tried: string[] = []
    await context.setOffline(false)
    const back = await opened.newTab('about:blank')
    back.on('request', request => {
      if (request.method() === 'PATCH') tried.push(request.url().split('/').at(-1) ?? '')
    })
    // The oldest is on its way when the person discards the last one.
    await back.route(`**/v1/scenes/${sent}`, () => undefined)
    await back.goto(it.pageOf(dropped))
    await expect.poll(() => tried).toEqual([sent])
    await back.getByRole('button', { name: 'Discard it' }).click()
    await unsent(back, 3).waitFor()
    await untilFocused(editButton(back))
    await back.unroute(`**/v1/scenes/${sent}`)
    const frame = unsent(back, 2)
    await frame.getByText('was changed by somebody else meanwhile').waitFor()
    await frame.getByText('was not taken:').waitFor()
    expect(await it.scene(sent)).toMatchObject({ content: 'Mine, and more.', title: 'Sent' })
    expect((await it.scene(outrun)).content).toBe('Theirs.')
    for (const action of ['Copy', 'Discard it'])
      await frame.getByRole('button', { name: `${action}: Outrun` }).waitFor()
    await frame.getByRole('button', { name: 'Discard it: Deleted' }).click()
    await unsent(back, 1).waitFor()
    await untilFocused(back.locator('#content'))
    await back.getByRole('button', { name: 'Undo' }).click()
    await frame.getByRole('button', { name: 'Discard it: Deleted' }).click()
    await unsent(back, 1).getByRole('link', { name: 'Outrun' }).click()
    await back.locator('[data-version=mine]').getByText('Mine, beside theirs.').waitFor()
    await back.locator('[data-version=theirs]').getByText('Theirs.').waitFor()
    await back.getByRole('button', { name: 'Back to editing' }).click()
    expect(await back.getByRole('button', { name: 'Save', exact: true }).isEnabled()).toBe(true)
    await back.locator('[data-editor]').getByRole('button', { name: 'Close' }).click()
    await back.getByRole('button', { name: 'Keep mine' }).click()
    await back.locator('[data-unsent]').waitFor({ state: 'detached' })
    await back.locator('[data-scene-text]').getByText('Mine, beside theirs.').waitFor()
    await untilFocused(editButton(back))
    expect((await it.scene(outrun)).content).toBe('Mine, beside theirs.')
    expect((await it.scene(dropped)).content).toBe('The scale was wrong by a thumb.')
    expect(tried).toEqual([sent, outrun, deleted, outrun])
    const left = await back.evaluate(() => Object.keys(localStorage))
    expect(left.filter(name => /^quillwork\.(draft|unsent)\./.test(name))).toEqual([])
  })

  test('a save whose answer was lost is neither made twice nor taken for that of somebody else', async () => {
    const sceneId = await written('Lost')
    const before = await it.scene(sceneId)
    await using opened = await open(it.pageOf(sceneId), { language: 'zh' })
    const { page } = opened
    const again = () => page.evaluate(() => window.dispatchEvent(new Event('online')))
    let answers: 'lost' | 'none' | 'all' = 'lost'
    await page.route(`**/v1/scenes/${sceneId}`, async route => {
      if (route.request().method() !== 'PATCH' || answers === 'all') return route.continue()
      if (answers === 'lost') await route.fetch()
      answers = 'none'
      await route.abort('connectionreset')
    })
    await edit(page, 'One.', { edit: '编辑', save: '保存' })
    await page.getByText('已留在这个浏览器里，还没有存入小说').waitFor()
    const beside = await opened.newTab(it.pageOf(sceneId))
    await beside.getByRole('article').getByText('One.').waitFor()
    await unsent(page, 1).getByText('等待发送').waitFor()
    await unsent(page, 1).getByText('上一次发送没有成功').waitFor()
    expect((await it.scene(sceneId)).version).toBe(before.version + 1)
    await page.getByRole('button', { name: '继续编辑' }).click()
    await textBox(page).fill('One. Two.')
    await page.getByRole('button', { name: '保存', exact: true }).click()
    await page.getByRole('article').getByText('One. Two.').waitFor()
    answers = 'all'
    await again()
    await page.locator('[data-unsent]').waitFor({ state: 'detached' })
    await page.locator('[data-scene-text]').getByText('One. Two.').waitFor()
    await beside.locator('[data-scene-text]').getByText('One. Two.').waitFor()
    expect(await it.scene(sceneId)).toMatchObject({ content: 'One. Two.', version: before.version + 2 })
    answers = 'lost'
    await edit(page, 'Three.', { edit: '编辑', save: '保存' })
    await unsent(page, 1).waitFor()
    await expect.poll(() => answers).toBe('none')
    await page.getByRole('button', { name: '继续编辑' }).click()
    answers = 'all'
    await again()
    await page.locator('[data-unsent]').waitFor({ state: 'detached' })
    expect(await it.scene(sceneId)).toMatchObject({ content: 'Three.', version: before.version + 3 })
    // The editor stands open, with nothing in it that could be lost: nothing asks.
    await textBox(page).waitFor()
    await page.getByRole('link', { name: 'Quillwork' }).click()
    await page.waitForURL(`${it.server.url}/`)
  })

  test('are not kept where the browser stores nothing, and the page says so; a server that stops is one that cannot be reached, also for a choice', async () => {
    const sceneId = await written('Full')
    await using opened = await open(it.pageOf(sceneId))
    const { page } = opened
    const address = `**/v1/scenes/${sceneId}`
    const stops = (route: Route) =>
      route.request().method() === 'PATCH' ? route.fulfill({ status: 503 }) : route.continue()
    await page.route(address, stops)
    await page.evaluate(() => {
      const { setItem } = Storage.prototype
      Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError')
      }
      window.addEventListener('room', () => Object.assign(Storage.prototype, { setItem }))
    })
    await edit(page, 'Mine.')
    await page.getByText('so the edit cannot wait here').waitFor()
    await page.getByText('what you type is kept only while this page is open').waitFor()
    expect(await textBox(page).inputValue()).toBe('Mine.')
    await page.evaluate(() => window.dispatchEvent(new Event('room')))
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await unsent(page, 1).waitFor()
    await page.unroute(address)
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    await page.locator('[data-scene-text]').getByText('Mine.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('Mine.')
    await editButton(page).click()
    await textBox(page).fill('Mine, over theirs.')
    await it.edit(sceneId, { content: 'Theirs.' })
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.locator('[data-version=theirs]').getByText('Theirs.').waitFor()
    await page.route(address, stops)
    await page.getByRole('button', { name: 'Keep mine' }).click()
    await unsent(page, 1).waitFor()
    await page.unroute(address)
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    await page.locator('[data-scene-text]').getByText('Mine, over theirs.').waitFor()
    expect((await it.scene(sceneId)).content).toBe('Mine, over theirs.')
  })
})

const scene = { id: 's', content: 'Old.', title: 'T', version: 1 } as Scene

test('what was sent without an answer is no change of somebody else, and is changed by what is typed since', () => {
  const first = { ...draftOf(scene), content: 'Sent.' }
  const more = { ...first, content: 'Sent. More.', sent: withSent(first) }
  const arrived = { ...scene, content: 'Sent.', version: 2 }
  expect([collides(more, arrived), isOutrun(more, arrived), isSavedIn(more, arrived)]).toEqual([
    false,
    false,
    false,
  ])
  expect(isSavedIn(first, arrived)).toBe(true)
  // Back to the first text: where the novel has the second one, that is a change.
  expect(editOf({ ...more, content: 'Old.' })).toEqual({ content: 'Old.' })
  expect(editOf({ ...first, content: 'Old.' })).toEqual({})
  const theirs = { ...scene, content: 'Theirs.', version: 3 }
  expect([collides(more, theirs), isOutrun(more, theirs)]).toEqual([true, true])
  expect(editOf(rebased(more, more, { ...scene, content: 'Sent. More.', version: 3 }))).toEqual({})
})

test('of texts that were sent the newest three are remembered, each once', () => {
  let draft = draftOf(scene)
  for (const content of ['a', 'b', 'b', 'c', 'd', 'b']) {
    draft = { ...draft, content }
    draft = { ...draft, sent: withSent(draft) }
  }
  expect(draft.sent?.map(({ content }) => content)).toEqual(['c', 'd', 'b'])
})

test('a draft that is written over theirs changes what the person changed, and nothing else', () => {
  const mine = { ...draftOf(scene), content: 'Mine.' }
  const over = writtenOver(mine, { ...scene, title: 'Theirs', content: 'Theirs.', version: 4 })
  expect(editOf(over)).toEqual({ content: 'Mine.' })
  expect(over).toMatchObject({ title: 'Theirs', version: 4, base: { title: 'Theirs', content: 'Theirs.' } })
  expect(collides(over, { ...scene, content: 'Newest.', version: 5 })).toBe(true)
})
