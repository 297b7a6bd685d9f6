/** What the pages offer to whom, and the keys by which people sign in. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Issuer, startIssuer } from '../http/issuer.ts'
import { seriousIn } from './kit/axe.ts'
import { askingOf, describePages, move, open, type PageServer, startServer, untilLoaded } from './kit/kit.ts'

const token = 'the-right-token-of-this-server'

interface Key {
  id: string
  secret: string
}

describePages('roles', () => {
  let server: PageServer
  let issuer: Issuer
  let asking: Pick<PageServer, 'ask' | 'post' | 'importText' | 'ended'>
  const keys: Record<string, Key> = {}
  /** Addresses of pages by what they show. */
  let at: Record<string, string>

  const makeKey = (name: string, fields: object) => asking.post<Key>('/v1/api-keys', { name, ...fields })

  beforeAll(async () => {
    issuer = await startIssuer()
    const oidc = { issuer: issuer.url, audience: 'pages', clientId: 'pages' }
    server = await startServer({
      QUILLWORK_TOKEN: token,
      QUILLWORK_OIDC: JSON.stringify(oidc),
      QUILLWORK_KEY_SOME: 'sk-that-nobody-may-see',
      QUILLWORK_MODELS: JSON.stringify({
        writer: {
          provider: 'openai',
          model: 'gpt-4.1',
          uses: ['prose'],
          key: 'env:QUILLWORK_KEY_SOME',
          limits: { requestsPerMinute: 60 },
        },
      }),
    })
    asking = askingOf(server.url, token)
    const { taskId, novelId } = await asking.importText('Chapter 1\n\nThe lantern.\n', 'Lantern.txt')
    await asking.ended(taskId)
    const { outline } = await asking.ask<{ outline: { chapters: { id: string }[] }[] }>(
      `/v1/novels/${novelId}`,
    )
    const novel = `/novels/${novelId}`
    const chapter = `${novel}/chapters/${outline[0]?.chapters[0]?.id}`
    const { scenes } = await asking.ask<{ scenes: { id: string }[] }>(`/v1${chapter}`)
    await asking.post(`/v1${novel}/codex`, { kind: 'thing', name: 'Lantern', text: 'It never goes out.' })
    const lost = await asking.post<{ id: string }>('/v1/tasks', {
      taskType: 'Vectorize',
      parameters: { novelId: 'not-there' },
    })
    await asking.ended(lost.id)
    await asking.post('/v1/lanes/batch:pause')
    const waiting = await asking.post<{ id: string }>('/v1/tasks', {
      taskType: 'Vectorize',
      parameters: { novelId },
      delay: '1h',
    })
    for (const role of ['viewer', 'author', 'operator', 'admin'])
      keys[role] = await makeKey(`the ${role}`, { role, userId: 'local' })
    at = {
      shelf: '/',
      novel,
      chapter,
      scene: `${novel}/scenes/${scenes[0]?.id}`,
      history: `${novel}/scenes/${scenes[0]?.id}?part=history`,
      codex: `${novel}/codex`,
      prompts: `${novel}/prompts`,
      threads: `${novel}/threads`,
      style: `${novel}/style`,
      append: `${novel}/append`,
      tasks: '/tasks',
      task: `/tasks/${waiting.id}`,
      letters: '/dead-letters',
      usage: '/usage',
      limits: '/limits',
      lanes: '/lanes',
      workers: '/workers',
      events: '/events',
      audit: '/audit',
      settings: '/settings',
    }
  }, 120_000)
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await issuer?.[Symbol.asyncDispose]()
  })

  /** What each page offers, and the role from which on. */
  const offered: readonly [page: string, role: 'author' | 'operator' | 'admin', name: string][] = [
    ['shelf', 'author', 'Begin a novel'],
    ['shelf', 'author', 'Choose a file'],
    ['novel', 'author', 'Export'],
    ['novel', 'author', 'What else can be done'],
    ['novel', 'author', 'Add a chapter'],
    ['chapter', 'author', 'Add a scene'],
    ['scene', 'author', 'Edit'],
    ['codex', 'author', 'Add an entry'],
    ['threads', 'author', 'Add a thread'],
    ['task', 'author', 'Cancel'],
    ['letters', 'author', 'Try again'],
    ['limits', 'operator', 'Reset'],
    ['lanes', 'operator', 'Resume'],
    ['audit', 'admin', 'Export'],
    ['settings', 'admin', 'Set up a model'],
    ['settings', 'admin', 'Make a key'],
  ]

  /** Opens the pages signed in with a key. Returns the addresses that were refused meanwhile. */
  const refusedIn = (page: Page) => {
    const refused: string[] = []
    page.on('response', response => {
      if (response.status() === 403) refused.push(`${response.request().method()} ${response.url()}`)
    })
    return refused
  }

  const places = new Set(offered.map(([page]) => page))
  /** Pages that show a viewer something that nobody else sees. */
  const differing = ['scene', 'append', 'tasks', 'settings']
  const ranks = ['viewer', 'author', 'operator', 'admin']

  for (const role of ['viewer', 'author', 'admin'] as const)
    test(`${role}: is offered what the role may do, and is refused nothing`, async () => {
      await using opened = await open('about:blank')
      const { page } = opened
      const refused = refusedIn(page)
      await page.goto(`${server.url}/#token=${keys[role]?.secret}`)
      await page.locator(`[data-me=${role}]`).waitFor()
      const found: string[] = []
      // An admin is refused nothing: what is offered is all there is to see.
      const seen = Object.entries(at).filter(([name]) => role !== 'admin' || places.has(name))
      for (const [name, path] of seen) {
        await move(page, `${server.url}${path}`)
        await untilLoaded(page)
        await page.locator(`[data-me=${role}]`).waitFor()
        for (const [, need, button] of offered.filter(([where]) => where === name)) {
          const control = page.getByRole('button', { name: new RegExp(`^${button}`) }).first()
          if (ranks.indexOf(role) >= ranks.indexOf(need)) await control.waitFor()
          else if ((await control.count()) > 0) found.push(`${name}: ${button}`)
        }
        if (role === 'viewer' && differing.includes(name))
          found.push(...(await seriousIn(page)).map(each => `${name}: ${each}`))
      }
      expect(found).toEqual([])
      expect(refused).toEqual([])
    })

  test('what is refused all the same is said in words, with the role that it needs', async () => {
    await using opened = await open(`${server.url}/#token=${keys['author']?.secret}`, { language: 'zh' })
    const { page } = opened
    await page.locator('[data-me=author]').waitFor()
    // As a server that was told less than it knows now.
    await page.route('**/v1/me', async route => {
      const answer = await route.fetch()
      const me = { ...((await answer.json()) as object), may: ['read', 'write', 'operate'] }
      await route.fulfill({ response: answer, json: me })
    })
    await page.goto(`${server.url}/lanes`)
    await page.getByRole('button', { name: /^恢复/ }).click()
    await page.getByText('此操作需要“操作员”角色。').waitFor()
  })

  test('a key is made, shown once, signs somebody in, and is revoked', async () => {
    await using opened = await open(`${server.url}/settings#token=${token}`, { width: 360, height: 740 })
    const { page } = opened
    const refused = refusedIn(page)
    await page.getByRole('button', { name: 'Make a key' }).click()
    const dialog = page.getByRole('dialog', { name: 'Make an API key' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Ann')
    await dialog.getByRole('textbox', { name: 'User' }).fill('ann')
    await dialog.getByRole('combobox', { name: 'Expires' }).click()
    await page.getByRole('option', { name: 'after 30 days' }).click()
    expect(await seriousIn(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    const made = page.getByRole('dialog', { name: 'The key “Ann” is made' })
    const secret = (await made.getByLabel('API key', { exact: true }).textContent()) ?? ''
    expect(secret).toMatch(/^qwk_/)
    expect(await seriousIn(page)).toEqual([])
    await made.getByRole('button', { name: 'Done' }).click()
    await made.waitFor({ state: 'detached' })
    const card = page.locator('[data-key]', { has: page.getByRole('heading', { name: 'Ann' }) })
    await card.getByRole('row', { name: 'Last used never' }).waitFor()
    expect(await page.content()).not.toContain(secret)

    await using other = await open(server.url)
    const box = other.page.getByLabel('Token or API key', { exact: true })
    await box.fill(secret)
    await other.page.getByRole('button', { name: 'Continue' }).click()
    const me = other.page.getByRole('region', { name: 'Signed in' })
    await me.getByText('Ann').waitFor()
    await me.getByText('author').waitFor()
    await other.page.getByRole('button', { name: 'Begin a novel' }).waitFor()

    await card.getByRole('button', { name: 'Revoke the key Ann' }).click()
    const question = page.getByRole('dialog', { name: 'Revoke “Ann”?' })
    await question.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The key “Ann” is revoked.').waitFor()
    await card.and(page.locator('[data-end=revoked]')).waitFor()
    await other.page.reload()
    await other.page.getByText('This API key was revoked.').waitFor()
    await box.fill(keys['viewer']?.secret ?? '')
    await other.page.getByRole('button', { name: 'Continue' }).click()
    await other.page.locator('[data-me=viewer]').waitFor()
    await me.getByRole('button', { name: 'Sign out' }).click()
    await other.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
    await other.page.getByRole('heading', { name: 'Sign in to this server' }).waitFor()
    expect(refused).toEqual([])
  })

  test('who has an account signs in by it and comes back to the page that was asked for; an expired one is asked again', async () => {
    const seconds = Math.floor(Date.now() / 1_000)
    const claims = { sub: 'ann', name: 'Ann Account', roles: ['author'], exp: seconds + 3_600 }
    issuer.claims = claims
    await using opened = await open(`${server.url}/lanes`)
    const { page } = opened
    const { host } = new URL(issuer.url)
    const signIn = page.getByRole('button', { name: `Sign in with ${host}` })
    await signIn.waitFor()
    expect(await seriousIn(page)).toEqual([])
    await signIn.click()
    const me = page.locator('[data-me=author]')
    await me.getByText('Ann Account').waitFor()
    expect(page.url()).toBe(`${server.url}/lanes`)
    expect(issuer.asked.filter(path => path === '/token')).toHaveLength(1)

    const expired = await issuer.sign({ ...claims, aud: 'pages', exp: seconds - 60 })
    await page.evaluate(kept => sessionStorage.setItem('quillwork.token', JSON.stringify(kept)), expired)
    await page.reload()
    await page.getByText('Your sign-in has expired.').waitFor()
    // A link of somebody else, who would have the person work in an account of theirs.
    await page.goto(`${server.url}/sign-in?code=of-somebody&state=guessed`)
    await page.getByText('does not belong to a sign-in of this tab').waitFor()
    expect(page.url()).toBe(`${server.url}/`)
    expect(issuer.asked.filter(path => path === '/token')).toHaveLength(1)
    await signIn.click()
    await me.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
    await signIn.waitFor()
    expect(await page.evaluate(() => sessionStorage.getItem('quillwork.token'))).toBeNull()
  })

  test('too many wrong tokens are said in words, where the token is asked for', async () => {
    await using opened = await open(server.url, { language: 'zh' })
    const { page } = opened
    const box = page.getByLabel('令牌或 API 密钥', { exact: true })
    await box.fill('one-of-many-wrong-ones')
    const throttled = { code: 'CREDENTIALS_THROTTLED', detail: '', status: 429 }
    const asksAs = ({ pathname }: URL) => pathname.startsWith('/v1/') && pathname !== '/v1/sign-in'
    await page.route(asksAs, route => route.fulfill({ status: 429, json: throttled }))
    await page.getByRole('button', { name: '继续' }).click()
    await page.getByText('此地址发送了过多错误的令牌或密钥。').waitFor()
  })
})
