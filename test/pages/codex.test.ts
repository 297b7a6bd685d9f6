import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CodexServer, startCodexServer } from './codex-server.ts'
import { describePages, open, untilLoaded } from './kit/kit.ts'

const text = [
  'Chapter 1: The Bridge',
  'Nobody believed Berit. She had counted seven lanterns on the bridge.',
  'Chapter 2: The Reeds',
  'Berit went into the reeds, and did not look back for anybody.',
  'Chapter 3: The Clock',
  'The clock was slow.',
  '',
].join('\n\n')

describePages('the codex of a novel', () => {
  let codex: CodexServer
  beforeAll(async () => {
    codex = await startCodexServer(text)
  }, 240_000)
  afterAll(() => codex?.[Symbol.asyncDispose]())

  test('takes an entry with a change from a scene on, shows what is in the prompt of a scene, and lets the entry go', async () => {
    await using opened = await open(`${codex.server.url}/novels/${codex.novelId}`)
    const { page } = opened
    await page.getByRole('link', { name: 'Codex' }).click()
    await page.getByRole('heading', { name: 'Nothing is noted yet' }).waitFor()
    await page.getByRole('button', { name: 'Add an entry' }).click()
    const dialog = page.getByRole('dialog', { name: 'New entry' })
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('Berit')
    await dialog.getByRole('textbox', { name: 'What prompts say of it' }).fill('Counts lanterns.')
    await dialog.getByRole('textbox', { name: 'Private note' }).fill('She lies.')
    await dialog.getByRole('button', { name: 'Add a change' }).click()
    const change = dialog.locator('[data-change="1"]')
    await change.getByRole('textbox', { name: 'Text' }).fill('Has lost her lantern.')
    await dialog.getByText('Each change needs a scene and a text.').waitFor()
    await change.getByRole('combobox', { name: 'From this scene on' }).fill('clock')
    await page.getByRole('option', { name: /The Clock/ }).click()
    await dialog.getByText('Each change needs a scene and a text.').waitFor({ state: 'detached' })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.locator('[data-entry="Berit"]').getByText('One change from a scene on').waitFor()
    expect(await codex.entries()).toMatchObject([
      { name: 'Berit', note: 'She lies.', changes: [{ how: 'add', text: 'Has lost her lantern.' }] },
    ])

    const prompt = page.locator('[data-in-prompt]')
    await prompt.getByRole('combobox', { name: 'Scene' }).fill('clock')
    await page.getByRole('option', { name: /The Clock/ }).click()
    // The text right before it speaks of her.
    await prompt.locator('[data-in="Berit"]').getByText('mentioned once as Berit').waitFor()
    const ghost = await codex.add({ name: 'Ghost' })
    await page.reload()
    await prompt.getByRole('combobox', { name: 'Scene' }).fill('reeds')
    await page.getByRole('option', { name: /The Reeds/ }).click()
    await prompt.locator('[data-in="Berit"]').getByText('mentioned').waitFor()
    await prompt.locator('[data-out="Ghost"]').getByText('not mentioned').waitFor()
    await codex.server.ask(`/v1/novels/${codex.novelId}/codex/${ghost.id}`, {
      method: 'DELETE',
      headers: { 'if-match': '"1"' },
    })

    await page.locator('[data-entry="Berit"]').click()
    await page.getByRole('dialog', { name: 'Berit' }).getByRole('button', { name: 'Delete' }).click()
    const question = page.getByRole('dialog', { name: 'Delete this entry?' })
    await question.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'Nothing is noted yet' }).waitFor()
    expect(await codex.entries()).toEqual([])
  })

  test('stands beside the threads of the story, which show what is overdue, and what the text no longer says', async () => {
    const { server, novelId } = codex
    await using opened = await open(`${server.url}/novels/${novelId}`)
    const { page } = opened
    await page.getByRole('link', { name: 'Threads' }).click()
    await page.getByRole('heading', { name: 'Nothing is left open yet' }).waitFor()
    await page.getByRole('button', { name: 'Add a thread' }).click()
    const dialog = page.getByRole('dialog', { name: 'New thread' })
    await dialog.getByRole('textbox', { name: 'Title' }).fill('Seven lanterns')
    await dialog.getByRole('textbox', { name: 'What you plan with it' }).fill('One goes out.')
    await dialog.getByRole('combobox', { name: 'Scene that is to resolve it' }).fill('reeds')
    await page.getByRole('option', { name: /The Reeds/ }).click()
    await dialog.getByRole('button', { name: 'Add an event' }).click()
    await dialog.getByRole('combobox', { name: 'Scene of the event' }).fill('bridge')
    await page.getByRole('option', { name: /The Bridge/ }).click()
    const words = dialog.getByRole('textbox', { name: 'Words of the scene' })
    await words.fill('eight lanterns')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('does not have the words of a new event').waitFor()
    await words.fill('seven lanterns')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const overdue = page.locator('[data-group=overdue] [data-thread="Seven lanterns"]')
    await overdue.locator('[data-event=planted]').getByText('seven lanterns').waitFor()
    const path = `/v1/novels/${novelId}/threads`
    const { items } = await server.ask<{ items: { events: { scene: string }[] }[] }>(path)
    expect(items).toMatchObject([{ title: 'Seven lanterns', plan: 'One goes out.', state: 'open' }])

    const changed = items[0]?.events[0]?.scene
    await server.ask(`/v1/scenes/${changed}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': '"1"' },
      body: JSON.stringify({
        content: 'Nobody believed Berit. She had counted nine lanterns on the bridge.',
      }),
    })
    await page.reload()
    await overdue.getByText('out of date').waitFor()
    await overdue.getByText('not planted').waitFor()
    await overdue.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('dialog', { name: 'Seven lanterns' }).getByRole('button', { name: 'Delete' }).click()
    const question = page.getByRole('dialog', { name: 'Delete this thread?' })
    await question.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'Nothing is left open yet' }).waitFor()
    expect(await server.ask(path)).toEqual({ items: [] })
  })

  test('says how the novel is told', async () => {
    await using opened = await open(codex.page)
    const form = opened.page.locator('[data-narration]')
    await form.getByRole('combobox', { name: 'Point of view' }).click()
    await opened.page.getByRole('option', { name: 'First person' }).click()
    await form.getByRole('textbox', { name: 'Whose eyes' }).fill('Berit')
    await form.getByRole('textbox', { name: 'Style sheet' }).fill('Short sentences.')
    await form.getByRole('button', { name: 'Save' }).click()
    await opened.page.getByText('It is saved.').waitFor()
    expect(await codex.server.ask(`/v1/novels/${codex.novelId}/narration`)).toEqual({
      ...{ pov: 'first', povCharacter: 'Berit', styleSheet: 'Short sentences.', voiceSample: '', version: 1 },
    })
    await expect.poll(() => form.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
  })

  test('has prompts of its own, filled for a scene before they are saved', async () => {
    const { server, novelId } = codex
    const prompts = async () => {
      interface Prompts {
        version: number
        items: { id: string; from: string; text: string }[]
      }
      const { version, items } = await server.ask<Prompts>(`/v1/novels/${novelId}/prompts`)
      return { version, ...items.find(({ id }) => id === 'generate-scene.en') }
    }
    await using opened = await open(`${server.url}/novels/${novelId}/codex`)
    const { page } = opened
    await page.getByRole('link', { name: 'Prompts' }).click()
    const text = page.getByRole('textbox', { name: 'Text of the prompt' })
    const usual = await text.inputValue()
    await text.fill(usual.replace('You are a novelist', 'You are a dry novelist').replace('{{tone}}', ''))
    const trial = page.locator('[data-trial]')
    await trial.getByRole('combobox', { name: 'Chapter' }).fill('clock')
    await page.getByRole('option', { name: /The Clock/ }).click()
    await trial.getByText(/must have the slot \{\{tone\}\}/).waitFor()
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    await page
      .locator('[data-prompt]')
      .getByText(/must have the slot \{\{tone\}\}/)
      .waitFor()
    await text.fill(usual.replace('You are a novelist', 'You are a dry novelist'))
    await trial.locator('[data-block="system"]').getByText('You are a dry novelist').waitFor()
    expect(await prompts()).toMatchObject({ version: 0, from: 'product' })
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    await page.locator('[data-prompt]').getByText('Of this novel', { exact: true }).waitFor()
    expect(await prompts()).toMatchObject({ version: 1, from: 'novel', text: await text.inputValue() })
    await page.getByRole('button', { name: 'Use that of the server again' }).click()
    await expect.poll(() => text.inputValue()).toBe(usual)
    expect(await prompts()).toMatchObject({ version: 2, from: 'product' })
  })

  test('loses no text of a prompt to another choice, another page or another save', async () => {
    const { server, novelId } = codex
    const path = `/v1/novels/${novelId}/prompts`
    interface Prompts {
      version: number
      items: { id: string; text: string }[]
    }
    const textOf = async (id: string) =>
      (await server.ask<Prompts>(path)).items.find(each => each.id === id)?.text ?? ''
    const change = async (id: string, from: string, to: string) => {
      const { version } = await server.ask<Prompts>(path)
      await server.ask(`${path}/${id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
        body: JSON.stringify({ text: (await textOf(id)).replace(from, to) }),
      })
    }
    await using opened = await open(`${server.url}/novels/${novelId}/prompts`)
    const { page } = opened
    const text = page.getByRole('textbox', { name: 'Text of the prompt' })
    const which = page.getByRole('combobox', { name: 'Prompt' })
    const mine = (await text.inputValue()).replace('You are a novelist', 'You are a poet')
    await text.fill(mine)
    const question = page.getByRole('dialog', { name: 'Leave without saving?' })
    await which.click()
    await page.getByRole('option', { name: /^Rewrite a selection · English/ }).click()
    await question.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('link', { name: 'Tasks' }).click()
    await question.getByRole('button', { name: 'Back' }).click()
    expect(await text.inputValue()).toBe(mine)

    // A change of another prompt of the list stands in no way.
    await change('rewrite-selection.en', 'You are', 'Always, you are')
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    await page.locator('[data-prompt]').getByText('Of this novel', { exact: true }).waitFor()
    expect(await textOf('generate-scene.en')).toBe(mine)

    const dry = mine.replace('You are a poet', 'You are a dry poet')
    await text.fill(dry)
    await change('generate-scene.en', 'You are a poet', 'You are a loud poet')
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    const both = page.getByRole('group', { name: 'Somebody changed this while you wrote' })
    await both.getByText('You are a loud poet').waitFor()
    expect(await textOf('generate-scene.en')).toContain('You are a loud poet')
    await both.getByRole('button', { name: 'Keep mine' }).click()
    await both.waitFor({ state: 'detached' })
    // The two are gone as soon as mine is on its way.
    await expect.poll(() => textOf('generate-scene.en')).toBe(dry)
    expect(await text.inputValue()).toBe(dry)

    await text.fill(mine)
    await which.click()
    await page.getByRole('option', { name: /^Rewrite a selection · English/ }).click()
    await question.getByRole('button', { name: 'Leave' }).click()
    await expect.poll(() => text.inputValue()).toContain('Always, you are')
  })

  test('shows the prompt of each novel as its own, from one to the other in one step', async () => {
    const { server } = codex
    const places = await Promise.all(
      ['One', 'Other'].map(async name => {
        const { taskId, novelId } = await server.importText(
          `Chapter 1\n\n${name} bell rang.\n`,
          `${name}.txt`,
        )
        await server.ended(taskId)
        const path = `/v1/novels/${novelId}/prompts`
        const { items } = await server.ask<{ items: { id: string; text: string }[] }>(path)
        const usual = items.find(({ id }) => id === 'generate-scene.en')?.text ?? ''
        await server.ask(`${path}/generate-scene.en`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json', 'if-match': '"0"' },
          body: JSON.stringify({ text: usual.replace('You are a novelist', `You are the ${name}`) }),
        })
        return { name, address: `/novels/${novelId}/prompts` }
      }),
    )
    await using opened = await open(`${server.url}${places[0]?.address}`)
    const { page } = opened
    const text = page.getByRole('textbox', { name: 'Text of the prompt' })
    await text.waitFor()
    // Once to have both at hand, once more without a wait between them.
    for (const { name, address } of [...places.toReversed(), ...places.toReversed()]) {
      await page.evaluate(to => history.pushState({}, '', to), address)
      await expect.poll(() => text.inputValue()).toContain(`You are the ${name}`)
    }
  })

  test('keeps what is typed of a prompt while a save is on its way', async () => {
    const { server, novelId } = codex
    await using opened = await open(`${server.url}/novels/${novelId}/prompts`)
    const { page } = opened
    let release = () => {}
    const released = new Promise<void>(resolve => {
      release = resolve
    })
    let isSent = false
    await page.route('**/prompts/generate-scene.en', async route => {
      isSent = true
      await released
      await route.continue()
    })
    const text = page.getByRole('textbox', { name: 'Text of the prompt' })
    const before = await text.inputValue()
    await text.fill(`${before}\nShort.`)
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    await expect.poll(() => isSent).toBe(true)
    await text.fill(`${before}\nShort. Very.`)
    release()
    await page.getByText('The prompt is saved for this novel.').waitFor()
    expect(await text.inputValue()).toBe(`${before}\nShort. Very.`)
    await page.getByRole('button', { name: 'Save for this novel' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Save for this novel' }).isDisabled()).toBe(true)
    expect(await text.inputValue()).toBe(`${before}\nShort. Very.`)
  })

  test('shows both where somebody else wrote how the novel is told', async () => {
    const { server, novelId } = codex
    const path = `/v1/novels/${novelId}/narration`
    const write = async (styleSheet: string) => {
      const { version, ...narration } = await server.ask<{ version: number }>(path)
      await server.ask(path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
        body: JSON.stringify({ ...narration, styleSheet }),
      })
    }
    await using opened = await open(codex.page)
    const { page } = opened
    const part = page.locator('[data-narration]')
    const sheet = part.getByRole('textbox', { name: 'Style sheet' })
    await sheet.fill('Mine.')
    await page.getByRole('link', { name: 'Tasks' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click()
    await write('Theirs.')
    await part.getByRole('button', { name: 'Save' }).click()
    await part.getByText('Theirs.').waitFor()
    await part.getByText('Mine.').waitFor()
    await part.getByRole('button', { name: 'Keep what is there' }).click()
    await expect.poll(() => sheet.inputValue()).toBe('Theirs.')
    await sheet.fill('Mine again.')
    await write('Theirs again.')
    await part.getByRole('button', { name: 'Save' }).click()
    await part.getByRole('button', { name: 'Keep mine' }).click()
    await page.getByText('It is saved.').waitFor()
    expect(await server.ask(path)).toMatchObject({ styleSheet: 'Mine again.' })
  })

  test('overwrites nothing that somebody else wrote since, and imports a lorebook', async () => {
    const { id } = await codex.add({ kind: 'place', name: 'Mill' })
    await using opened = await open(codex.page, {
      ...{ language: 'zh', theme: 'dark', width: 360, height: 740 },
    })
    const { page } = opened
    await page.locator('[data-entry="Mill"]').click()
    const dialog = page.getByRole('dialog', { name: 'Mill' })
    await dialog.getByRole('textbox', { name: '私人笔记' }).fill('mine')
    await codex.server.ask(`/v1/novels/${codex.novelId}/codex/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': '"1"' },
      body: JSON.stringify({ text: 'theirs' }),
    })
    await dialog.getByRole('button', { name: '保存' }).click()
    await dialog.getByText('您打开后，有人作了改动').waitFor()
    await dialog.getByText('不同之处：提示中关于它的内容和私人笔记。').waitFor()
    expect(await codex.entries()).toMatchObject([{ version: 2, note: '' }])
    await untilLoaded(page)
    await dialog.getByRole('button', { name: '采用现有的' }).click()
    await expect.poll(() => dialog.getByRole('textbox', { name: '私人笔记' }).inputValue()).toBe('')
    await dialog.getByRole('button', { name: '返回' }).click()
    await dialog.waitFor({ state: 'detached' })

    await page.getByRole('button', { name: '导入' }).click()
    const book = { entries: { 0: { key: ['Alice'], keysecondary: ['hole'], content: 'Bored.' } } }
    const file = {
      name: 'book.json',
      mimeType: 'application/json',
      buffer: Buffer.from(JSON.stringify(book)),
    }
    await page.locator('input[type=file]').setInputFiles(file)
    await page.locator('[data-imported="1"]').getByText('keysecondary').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('[data-entry="Alice"]').waitFor()
    await untilLoaded(page)
    const [content = 0, width = 0] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      window.innerWidth,
    ])
    expect(content).toBeLessThanOrEqual(width)
  })
})
