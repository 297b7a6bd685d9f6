import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storeKey } from '../../src/server/key-file.ts'
import { startModelServer } from '../models/server.ts'
import { serve, temporaryFolder } from '../process/cli/quillwork.ts'
import { startReceiver } from '../webhooks/receiver.ts'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'

describePages('settings', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer({
      QUILLWORK_KEY_SOME: 'sk-that-nobody-may-see',
      QUILLWORK_WEBHOOK_HOSTS: '127.0.0.1',
      QUILLWORK_MODELS: JSON.stringify({
        writer: {
          provider: 'openai',
          model: 'gpt-4.1',
          uses: ['prose'],
          key: 'env:QUILLWORK_KEY_SOME',
          price: { input: 2, output: 8, currency: 'USD' },
          limits: { requestsPerMinute: 60 },
        },
        other: { provider: 'anthropic', model: 'claude-sonnet-4-5', key: 'env:QUILLWORK_KEY_ABSENT' },
      }),
    })
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('tells of models, what is off and why, and the server; never a key', async () => {
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    const writer = page.locator('[data-model=writer]')
    await writer.getByText('usual for prose').waitFor()
    await writer.getByText('$2.00 in, $8.00 out, per million tokens').waitFor()
    await writer.getByText('60 calls a minute').waitFor()
    await page.locator('[data-model=other]').getByText('QUILLWORK_KEY_ABSENT').waitFor()
    await page.locator('[data-off=embedding]').waitFor()
    await page.locator('[data-set-up]').getByText("QUILLWORK_MODEL='openai:gpt-5-mini'").waitFor()
    expect(await page.content()).not.toContain('sk-that-nobody-may-see')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Description of the API (OpenAPI)' }).click()
    expect((await download).suggestedFilename()).toBe('openapi.json')
  })

  test('adds a webhook, shows its secret once, tests, disables and removes it', async () => {
    await using receiver = await startReceiver()
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    const part = page.locator('#webhooks')
    const add = async (address: string) => {
      await part.getByRole('button', { name: 'Add a webhook' }).click()
      const dialog = page.getByRole('dialog', { name: 'Add a webhook' })
      await dialog.getByRole('textbox', { name: 'Address' }).fill(address)
      await dialog.getByRole('textbox', { name: 'What it is for' }).fill('Billing')
      await dialog.getByRole('checkbox', { name: 'cancelled tasks' }).uncheck()
      await dialog.getByRole('button', { name: 'Add', exact: true }).click()
      return dialog
    }
    const refused = await add('https://169.254.169.254/')
    await refused.getByText('its address may not be called').waitFor()
    await refused.getByRole('textbox', { name: 'Address' }).fill(receiver.url)
    await refused.getByRole('button', { name: 'Add', exact: true }).click()
    const shown = page.getByRole('dialog', { name: 'The secret of the webhook' })
    const secret = (await shown.locator('pre').textContent()) ?? ''
    expect(secret).toMatch(/^whsec_/)
    await shown.getByRole('button', { name: 'Close' }).click()
    await shown.waitFor({ state: 'detached' })
    const card = part.locator('[data-webhook]')
    await card.getByText('completed tasks, failed tasks, dead letters').waitFor()
    expect(await page.content()).not.toContain(secret)
    await card.getByRole('button', { name: 'Send a test' }).click()
    await expect.poll(() => receiver.received.length).toBe(1)
    await card.getByRole('button', { name: 'Disable' }).click()
    await card.getByText('disabled').waitFor()
    await card.getByText('HTTP 204').waitFor()
    await card.getByRole('link', { name: 'Deliveries as tasks' }).click()
    await page.getByText('Deliver to a webhook').first().waitFor()
    await page.goBack()
    await card.getByRole('button', { name: 'Remove' }).click()
    const asked = page.getByRole('dialog', { name: 'Remove this webhook?' })
    await asked.getByRole('button', { name: 'Remove' }).click()
    await part.getByText('There is no webhook.').waitFor()
  })

  test('tells that the key of a model was stored for another address, in the language of the reader', async () => {
    using folder = temporaryFolder()
    const data = path.join(`${folder}`, 'data')
    const secret = 'a-long-random-secret'
    storeKey(data, secret, { name: 'main', key: 'sk-that-nobody-may-see', origins: ['https://api.example'] })
    const moved = {
      provider: 'openai-compatible',
      model: 'm',
      baseUrl: 'https://b.example/v1',
      key: 'stored:main',
    }
    const variables = { QUILLWORK_SECRET: secret, QUILLWORK_MODELS: JSON.stringify({ moved }) }
    await using own = await serve(data, [], variables)
    await using opened = await open(`${own.url}/settings`)
    const model = opened.page.locator('[data-model=moved]')
    await model.getByText('was stored for another address').waitFor()
    await model.getByText('quillwork models key set main').waitFor()
    await opened.page.getByText('简体中文').click()
    await model.getByText('是为另一个地址保存的').waitFor()
    expect(await opened.page.content()).not.toContain('sk-that-nobody-may-see')
  })

  test('sets up a model, tries it before it is kept, changes it and lets it go, in the language of the reader', async () => {
    const key = 'sk-that-nobody-may-see'
    await using models = await startModelServer({
      keys: [key],
      models: ['small', 'large'],
      about: { max_model_len: 4_096 },
    })
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    await page.locator('[data-model=writer]').getByText('From the configuration of the server').waitFor()
    await page.getByRole('button', { name: 'Set up a model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Set up a model' })
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('house')
    await dialog.getByRole('textbox', { name: 'Address' }).fill(models.url)
    const name = dialog.getByRole('combobox', { name: 'Model', exact: true })
    await name.fill('middling')
    // As a person types: the field has to stay the same one from the first character to the last.
    const typedKey = dialog.getByLabel('Key', { exact: true })
    await typedKey.pressSequentially('sk-a-wrong-one')
    expect(await typedKey.inputValue()).toBe('sk-a-wrong-one')
    const tryIt = dialog.getByRole('button', { name: 'Test' })
    await tryIt.click()
    await dialog.getByText('The key is wrong').waitFor()
    await typedKey.fill(key)
    await tryIt.click()
    await dialog.getByText('Its server has: small, large').waitFor()
    await name.fill('small')
    await page.keyboard.press('Escape')
    await tryIt.click()
    await dialog.getByText(/It answered in/).waitFor()
    await dialog.getByText('reads and writes 4,096 tokens together').waitFor()
    await dialog.getByRole('textbox', { name: 'Calls a minute' }).fill('30')
    const cached = dialog.getByRole('textbox', { name: 'Read from the cache' })
    await cached.fill('0.5')
    await cached.fill('')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const house = page.locator('[data-model=house]')
    await house.getByText(/Its key ends with -see/).waitFor()
    const { items } = await server.ask<{ items: { fields: object }[] }>('/v1/models')
    expect(items[0]?.fields).not.toHaveProperty('price')
    await house.getByText('30 calls a minute').waitFor()
    await house.getByText('usual for summaries').waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(key)

    await page.getByText('简体中文').click()
    await house.getByRole('button', { name: '测试' }).click()
    await house.getByText(/毫秒后回答/).waitFor()
    await house.getByRole('button', { name: '修改' }).click()
    const change = page.getByRole('dialog', { name: 'house' })
    await change.getByRole('textbox', { name: '地址' }).fill('http://127.0.0.1:9/v1')
    await change.getByRole('button', { name: '保存' }).click()
    await change.getByText(/^\/key: .*give the key again/).waitFor()
    await change.getByRole('textbox', { name: '地址' }).fill(models.url)
    await change.getByRole('textbox', { name: '每分钟调用' }).fill('40')
    await change.getByRole('button', { name: '保存' }).click()
    await house.getByText('每分钟 40 次调用').waitFor()
    await house.getByRole('button', { name: '移除' }).click()
    await page
      .getByRole('dialog', { name: '移除模型“house”？' })
      .getByRole('button', { name: '移除' })
      .click()
    await house.waitFor({ state: 'detached' })
    expect(models.ledger.calls.map(call => call.key)).toContain(key)
  })

  test('overwrites nothing that somebody else set up since, however often it is tried', async () => {
    interface List {
      version: number
      items: { id: string }[]
    }
    const list = () => server.ask<List>('/v1/models')
    const fields = { provider: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1', privateNetwork: true }
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    await page.getByRole('button', { name: 'Set up a model' }).click()
    const dialog = page.getByRole('dialog', { name: 'Set up a model' })
    await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('shared')
    await dialog.getByRole('combobox', { name: 'Model', exact: true }).fill('mine')
    const { version } = await list()
    await server.ask('/v1/models/shared', {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'if-match': `"${version}"` },
      body: JSON.stringify({ fields: { ...fields, model: 'theirs' } }),
    })
    for (const _ of ['once', 'again']) {
      // The list behind the dialog is read again before the next try.
      const read = page.waitForResponse(
        response => response.url().endsWith('/v1/models') && response.request().method() === 'GET',
      )
      await dialog.getByRole('button', { name: 'Save' }).click()
      await read
      await dialog.getByText('The models were changed meanwhile').waitFor()
    }
    expect(await list()).toMatchObject({
      version: version + 1,
      items: [{ id: 'shared', fields: { model: 'theirs' } }],
    })
  })

  test('keeps the choices of the browser: language, light or dark, zone, shortcuts', async () => {
    await using opened = await open(`${server.url}/settings`)
    const { page } = opened
    await page.getByText('简体中文').click()
    await page.getByRole('heading', { level: 1, name: '设置' }).waitFor()
    await page.getByText('深色', { exact: true }).click()
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    await page.getByText('UTC', { exact: true }).click()
    await page.getByRole('switch', { name: /键盘快捷键/ }).uncheck({ force: true })
    await page.reload()
    await page.getByRole('heading', { level: 1, name: '设置' }).waitFor()
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    expect(await page.getByRole('radio', { name: 'UTC', exact: true }).isChecked()).toBe(true)
    expect(await page.getByRole('switch', { name: /键盘快捷键/ }).isChecked()).toBe(false)
    await page.keyboard.press('g')
    await page.keyboard.press('t')
    expect(page.url()).toContain('/settings')
  })
})
