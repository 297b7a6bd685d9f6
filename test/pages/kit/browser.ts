import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'

/** How a page is looked at. */
export interface Look {
  language?: 'en' | 'zh'
  theme?: 'light' | 'dark'
  width?: number
  height?: number
}

/** A page, with what went wrong in it since it was opened. */
export interface Opened extends AsyncDisposable {
  readonly page: Page
  /** Opens an address in another tab of the same profile. */
  readonly newTab: (url: string) => Promise<Page>
  /** Errors of programs, of the console, and refusals of the content security policy. */
  readonly problems: string[]
}

const howToGet =
  'Install Chromium (Debian: apt-get install chromium), or set CHROMIUM_PATH to the program of a Chromium or Chrome.'

/** The same engine without the windows around a page, which nobody sees here and which take a fifth of the time; then whole browsers. */
const names = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
]

/** The browser of this machine, or undefined. */
function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const given = process.env['CHROMIUM_PATH']
  const places =
    given === undefined ? names.flatMap(name => folders.map(folder => path.join(folder, name))) : [given]
  return places.find(place => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/**
 * What the browser would do for a person, and no test sees: the lists that open below the address, each a page of its own in every window,
 * and a process kept ready for the next site. They would take a third of the time of the processor. The last such list counts, so what
 * Playwright turns off is named again.
 */
const unseen = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'SpareRendererForSitePerProcess',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
  // It compiles the programs of a page once more, though their process still has them from the page before.
  'ScriptStreaming',
]

/** Starts the browser, without what it would ask of the network by itself. */
function launchChromium(executablePath: string): Promise<Browser> {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    // As few processes as there can be: one that draws, and one with all else. Each page would begin in a process of its own, thrown away as soon
    // as its address is known. A fifth to a quarter of the processor time.
    '--process-per-site',
    '--renderer-process-limit=1',
    '--in-process-gpu',
    '--enable-features=NetworkServiceInProcess2',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--enable-precise-memory-info',
    `--disable-features=${unseen.join()}`,
    // No page of a test lives long enough to earn back what the compilers that optimise its programs cost: a seventh of its processor time. What
    // is compiled stays for the next page.
    '--js-flags=--no-maglev,--no-opt,--no-flush-bytecode',
  ]
  return chromium.launch({ executablePath, args })
}

/** The browser of this process of tests: all files that run in it share it, and it ends with it. */
let running: Browser | undefined

/**
 * `describe` for tests in a real browser. Where there is none they are skipped, with a line that says how to get one; with CI=true they
 * fail instead. One browser serves all tests of a process; each page that is opened has a profile of its own.
 */
export function describePages(title: string, tests: () => void): void {
  const program = findChromium()
  if (program === undefined && process.env['CI'] === 'true') {
    describe(title, () => {
      it('needs Chromium', () => Promise.reject(new Error(howToGet)))
    })
    return
  }
  if (program === undefined) {
    process.stderr.write(`\nSKIPPED: no browser for the tests of the pages. ${howToGet}\n\n`)
    describe.skip(title, tests)
    return
  }
  describe(title, { timeout: 150_000 }, () => {
    beforeAll(async () => {
      if (running?.isConnected() === true) return
      idle.clear()
      running = await launchChromium(program)
    }, 60_000)
    tests()
  })
}

/** The tokens of servers that the tests started, by origin. */
const tokens = new Map<string, string>()

/** Signs every page in that is opened at a server from now on. */
export function signIn(url: string, token: string): void {
  tokens.set(new URL(url).origin, token)
}

/**
 * A browser profile. Its first page is empty and stays, and with it the process that draws the pages of the profile: the next page that
 * opens there costs the processor half.
 */
interface Profile {
  readonly context: BrowserContext
  readonly session: CDPSession
}

/** Profiles that no test uses, by their looks. */
const idle = new Map<string, Profile[]>()

async function newProfile(
  browser: Browser,
  { language, theme, width, height }: Required<Look>,
): Promise<Profile> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
    locale: language === 'zh' ? 'zh-CN' : 'en-GB',
    timezoneId: 'Europe/Berlin',
  })
  context.setDefaultTimeout(60_000)
  // A page must do without, as it does over plain HTTP from another machine.
  await context.addInitScript(() => Reflect.deleteProperty(Crypto.prototype, 'randomUUID'))
  const first = await context.newPage()
  await first.route('**', route => route.fulfill({ contentType: 'text/html', body: '' }))
  await first.goto('http://127.0.0.1/')
  return { context, session: await context.newCDPSession(first) }
}

/** Opens an address in a browser profile of its own, signed in where the server makes its own token. When it is disposed, nothing may have gone wrong in its tabs. */
export async function open(url: string, look: Look = {}): Promise<Opened> {
  const browser = running
  if (browser === undefined) throw new Error('There is no browser outside describePages.')
  const whole = { language: 'en', theme: 'light', width: 1_280, height: 900, ...look } as const
  const key = JSON.stringify(whole)
  const profile = idle.get(key)?.pop() ?? (await newProfile(browser, whole))
  const tabs: Page[] = []
  const origins = new Set<string>()
  const problems: string[] = []
  const newTab = async (address: string): Promise<Page> => {
    const page = await profile.context.newPage()
    tabs.push(page)
    watch(page, problems)
    page.on('framenavigated', frame => origins.add(new URL(frame.url()).origin))
    await keepTokens(page)
    await page.goto(address)
    return page
  }
  return {
    page: await newTab(url),
    newTab,
    problems,
    async [Symbol.asyncDispose]() {
      // Where the page asked once more as the test ended, nobody waits for the answer, and its handler may fail.
      const open = tabs.filter(each => !each.isClosed())
      await Promise.all(open.map(each => each.unrouteAll({ behavior: 'ignoreErrors' })))
      await Promise.all(open.map(each => each.close()))
      for (const origin of origins)
        if (origin.startsWith('http'))
          await profile.session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
      idle.set(key, [...(idle.get(key) ?? []), profile])
      expect(problems).toEqual([])
    },
  }
}

/** Keeps the tokens where the pages keep them, until somebody signs out. */
async function keepTokens(page: Page): Promise<void> {
  await page.addInitScript(kept => {
    const token = kept[window.location.origin]
    if (token === undefined || localStorage.getItem('quillwork.signed-out') !== null) return
    localStorage.setItem('quillwork.token', JSON.stringify(token))
  }, Object.fromEntries(tokens))
}

/** The router of the pages, as it leaves itself in each window. */
interface RouterWindow {
  __TSR_ROUTER__?: {
    history: { push(href: string): void }
    state: { status: string; resolvedLocation?: { href: string } }
  }
}

/**
 * Opens an address as a link within the pages does, and as `goto` does where it is of another server. A move loads no program and no stream anew,
 * which costs most of the processor time of a page. Waits until the page is drawn.
 */
export async function move(page: Page, url: string): Promise<void> {
  const { origin, href } = new URL(url)
  if (new URL(page.url()).origin !== origin) {
    await page.goto(url)
    return
  }
  const place = href.slice(origin.length)
  await page.evaluate(to => (window as RouterWindow).__TSR_ROUTER__?.history.push(to), place)
  await page.waitForFunction(to => {
    const { status, resolvedLocation } = (window as RouterWindow).__TSR_ROUTER__?.state ?? {}
    return status === 'idle' && resolvedLocation?.href === to
  }, place)
}

/** Waits until a page stands there whole: its heading alone is seen while what belongs below it is still on its way. */
export async function untilLoaded(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await expect.poll(() => page.locator('[data-awaited]').count()).toBe(0)
}

/** Waits until the keys go to an element. */
export function untilFocused(element: Locator): Promise<void> {
  return element.and(element.page().locator(':focus')).waitFor()
}

/** What goes wrong in a page. That a request was refused or got no answer is the business of the test, not a mistake of the page. */
function watch(page: Page, problems: string[]): void {
  page.on('pageerror', error => problems.push(`pageerror: ${error.message}`))
  page.on('console', message => {
    const isNetwork = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isNetwork) problems.push(`console: ${message.text()}`)
  })
}
