import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CodexServer, startCodexServer } from './codex-server.ts'
import { describePages, open, untilFocused } from './kit/kit.ts'

const text = [
  'Chapter 1: The Bridge',
  'Nobody believed Berit. Miss Hask had counted seven lanterns.',
  'Chapter 2: The Reeds',
  'Berit went into the reeds. What will the boy say? Will shouted.',
  '',
].join('\n\n')

describePages('the names of a codex', () => {
  let codex: CodexServer
  beforeAll(async () => {
    codex = await startCodexServer(text)
  }, 240_000)
  afterAll(() => codex?.[Symbol.asyncDispose]())

  test('are changed everywhere, place by place, after a look at all of them', async () => {
    await codex.add({ name: 'Berit', aliases: ['Will'] })
    const put = (path: string, json: object) =>
      codex.server.ask(`/v1/novels/${codex.novelId}${path}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'if-match': '"0"' },
        body: JSON.stringify(json),
      })
    await put('/threads/wait', { title: 'The wait of Berit' })
    await put('/narration', { povCharacter: 'Berit' })
    await using opened = await open(codex.page)
    const { page } = opened
    const row = page.locator('[data-entry="Berit"]')
    await row.click()
    await page.getByRole('button', { name: 'Rename everywhere' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename Berit' })
    await dialog.getByRole('button', { name: 'Back' }).click()
    await untilFocused(row)
    await row.click()
    await page.getByRole('button', { name: 'Rename everywhere' }).click()
    await dialog.getByRole('textbox', { name: 'In place of “Berit”' }).fill('Inga')
    await dialog.getByRole('textbox', { name: 'In place of “Will”' }).fill('Bill')
    await dialog.getByRole('button', { name: 'Show all places' }).click()
    const [berit] = await codex.entries()
    const names = [
      { from: 'Berit', to: 'Inga' },
      { from: 'Will', to: 'Bill' },
    ]
    const found = await codex.server.post<{ items: { what: string; doubt?: string }[] }>(
      `/v1/novels/${codex.novelId}/codex/${berit?.id}:places`,
      { names },
    )
    const { length } = found.items
    const sure = found.items.filter(({ doubt }) => doubt === undefined).length
    expect(found.items.filter(({ what }) => what === 'text')).toHaveLength(4)
    await dialog.getByText(`${length} places, ${sure} chosen`).waitFor()
    await dialog.getByText('Thread The wait of Berit').waitFor()
    await dialog.getByText('Point of view').waitFor()
    // A word in other letters is left out, and the first mention is left by the author.
    await dialog
      .getByRole('checkbox', { name: /Nobody believed/ })
      .first()
      .uncheck()
    await dialog.getByText(`${length} places, ${sure - 1} chosen`).waitFor()
    await dialog.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.waitForURL(/\/tasks\//)
    await page.getByRole('button', { name: 'Undo its texts' }).waitFor()
    expect(await codex.entries()).toMatchObject([{ name: 'Inga', aliases: ['Bill'] }])
    const ofNovel = (path: string) => codex.server.ask(`/v1/novels/${codex.novelId}${path}`)
    expect(await ofNovel('/threads/wait')).toMatchObject({ title: 'The wait of Inga' })
    expect(await ofNovel('/narration')).toMatchObject({ povCharacter: 'Inga' })
    const texts = await Promise.all(
      ['counted seven lanterns', 'went into the reeds'].map(async words => {
        const sceneId = await codex.sceneWith(words)
        return (await codex.server.ask<{ content: string }>(`/v1/scenes/${sceneId}`)).content
      }),
    )
    expect(texts).toEqual([
      expect.stringContaining('Nobody believed Berit.'),
      expect.stringContaining('Inga went into the reeds. What will the boy say? Bill shouted.'),
    ])
  })

  test('in doubt can be chosen once all places are shown, and not before', async () => {
    const { id } = await codex.add({ name: 'Nobody', aliases: ['Seven'] })
    await using opened = await open(codex.page)
    const { page } = opened
    // The novel is searched in two steps, of which the second one finds nothing.
    await page.route('**/codex/*:places', async route => {
      const { pageToken } = route.request().postDataJSON() as { pageToken?: string }
      if (pageToken !== undefined) return route.fulfill({ json: { items: [] } })
      const answer = await route.fetch()
      await route.fulfill({ response: answer, json: { ...(await answer.json()), nextPageToken: 'further' } })
    })
    await page.locator('[data-entry="Nobody"]').click()
    await page.getByRole('button', { name: 'Rename everywhere' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename Nobody' })
    await dialog.getByRole('textbox', { name: 'In place of “Seven”' }).fill('Eight')
    await dialog.getByRole('button', { name: 'Show all places' }).click()
    const doubtful = dialog.getByRole('checkbox', { name: /seven.*lanterns/ }).first()
    await dialog.getByText('Places in doubt can be chosen once all places are shown').waitFor()
    expect([await doubtful.isDisabled(), await doubtful.isChecked()]).toEqual([true, false])
    await dialog.getByRole('button', { name: 'Search further' }).click()
    await expect.poll(() => doubtful.isEnabled()).toBe(true)
    await doubtful.check()
    await dialog.getByText('2 places, 1 chosen').waitFor()
    await codex.server.ask(`/v1/novels/${codex.novelId}/codex/${id}`, {
      method: 'DELETE',
      headers: { 'if-match': '"1"' },
    })
  })

  test('are given to an entry that no text mentions', async () => {
    await codex.add({ name: 'Unseen' })
    await using opened = await open(codex.page)
    const { page } = opened
    await page.locator('[data-entry="Unseen"]').click()
    await page.getByRole('button', { name: 'Rename everywhere' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename Unseen' })
    await dialog.getByRole('textbox', { name: 'In place of “Unseen”' }).fill('Unheard')
    await dialog.getByRole('button', { name: 'Show all places' }).click()
    await dialog.getByText('No place has these words.').waitFor()
    await dialog.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.waitForURL(/\/tasks\//)
    const renamed = async () => (await codex.entries()).find(({ name }) => name === 'Unheard')?.id
    await expect.poll(renamed).toBeDefined()
    await codex.server.ask(`/v1/novels/${codex.novelId}/codex/${await renamed()}`, {
      method: 'DELETE',
      headers: { 'if-match': '"2"' },
    })
  })

  test('are joined and cut apart', async () => {
    await codex.add({ name: 'Miss Hask', text: 'Counts lanterns.' })
    await using opened = await open(codex.page, {
      language: 'zh',
      width: 360,
      height: 740,
    })
    const { page } = opened
    await page.locator('[data-entry="Inga"]').click()
    await page.getByRole('button', { name: '与其他条目合并' }).click()
    const merging = page.getByRole('dialog', { name: '把其他条目并入Inga' })
    await merging.getByRole('combobox', { name: '并入的条目' }).click()
    await page.getByRole('option', { name: 'Miss Hask' }).click()
    await merging.locator('[data-merged]').getByText('Counts lanterns.').waitFor()
    await merging.getByRole('button', { name: '合并' }).click()
    await merging.waitFor({ state: 'detached' })
    expect(await codex.entries()).toMatchObject([
      { name: 'Inga', aliases: ['Bill', 'Miss Hask'], text: 'Counts lanterns.' },
    ])

    await page.locator('[data-entry="Inga"]').click()
    await page.getByRole('button', { name: '拆成两个' }).click()
    const splitting = page.getByRole('dialog', { name: '拆分Inga' })
    await splitting.getByRole('textbox', { name: '提示中关于Bill的内容' }).fill('A boy.')
    await splitting.getByRole('button', { name: '拆分' }).click()
    await page.locator('[data-entry="Bill"]').waitFor()
    expect(await codex.entries()).toMatchObject([
      { name: 'Inga', aliases: ['Miss Hask'], text: 'Counts lanterns.' },
      { name: 'Bill', aliases: [], text: 'A boy.' },
    ])
  })

  test('that no entry has are proposed: one is added, one becomes another name, one is ignored for good', async () => {
    const { server } = codex
    const sceneId = await codex.sceneWith('lanterns')
    const { version } = await server.ask<{ version: number }>(`/v1/scenes/${sceneId}`)
    await server.ask(`/v1/scenes/${sceneId}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
      body: JSON.stringify({
        content: '"No," said Torvald. "Yes," said Olga. They asked Ragna, and Inga laughed.',
      }),
    })
    await using opened = await open(codex.page)
    const { page } = opened
    const part = page.locator('[data-proposals]')
    await part.getByRole('button', { name: 'Find names' }).click()
    await part.locator('[data-proposed="Torvald"]').getByRole('button', { name: 'Add an entry' }).click()
    await page.locator('[data-entry="Torvald"]').waitFor()
    await part.locator('[data-proposed="Olga"]').getByRole('button', { name: 'Other name of' }).click()
    await page.getByRole('menuitem', { name: 'Torvald' }).click()
    await page.locator('[data-entry="Torvald"]').getByText('Also called Olga').waitFor()
    // What was found is there on the way back, and what is decided then is gone from it too.
    await page.getByRole('link', { name: 'The Bridge' }).click()
    await page.getByRole('heading', { level: 1, name: 'The Bridge' }).waitFor()
    await page.goBack()
    await part.locator('[data-proposed="Ragna"]').getByRole('button', { name: 'Ignore for good' }).click()
    await part.locator('[data-proposed="Ragna"]').waitFor({ state: 'detached' })
    expect(await part.locator('[data-proposed="Olga"]').count()).toBe(0)
  })

  test('in a text after the scene where they end are found, and are intended for a reason', async () => {
    const { server, novelId } = codex
    await codex.add({ name: 'Rain', ends: await codex.sceneWith('Torvald') })
    const sceneId = await codex.sceneWith('reeds')
    await using opened = await open(`${server.url}/novels/${novelId}/scenes/${sceneId}`)
    const { page } = opened
    const told = page.locator('[data-narration]')
    await told.getByRole('combobox', { name: 'Point of view' }).click()
    await page.getByRole('option', { name: 'Third person, one mind' }).click()
    await told.getByRole('textbox', { name: 'Whose eyes' }).fill('Nobody Known')
    await told.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It is saved.').waitFor()
    expect(await server.ask(`/v1/scenes/${sceneId}`)).toMatchObject({
      narration: { pov: 'third-limited', povCharacter: 'Nobody Known' },
    })
    await page.goto(codex.page)
    const part = page.locator('[data-findings]')
    await part.getByRole('button', { name: 'Check the text' }).click()
    const finding = part.locator('[data-finding="VIEW_NOT_IN_CODEX"]')
    await finding.getByText('Nobody Known').waitFor()
    await part.getByText('One finding').waitFor()
    await finding.getByRole('textbox', { name: 'Why it is intended' }).fill('A narrator without a name.')
    await finding.getByRole('button', { name: 'It is intended' }).click()
    await part.getByText('Nothing speaks against it so far.').waitFor()
    await finding.getByText('Intended: A narrator without a name.').waitFor()
    await page.route('**/codex:restore', route => route.abort(), { times: 1 })
    await finding.getByRole('button', { name: 'Count it again' }).click()
    await finding.getByRole('alert').waitFor()
    await finding.getByRole('button', { name: 'Count it again' }).click()
    await part.getByText('One finding').waitFor()
  })
})
