// `npm run screenshots`: takes the pictures of the documents from a server that is filled with the sample, light and dark, into docs/pictures/.
// With `-- --all FOLDER` it takes every page into FOLDER instead: light and dark, in both languages, 320, 1,280 and 3,840 pixels wide. With
// `--beside OLDER` it then names the pictures that differ from those in the folder OLDER, and how much of each does.
// Needs a Chromium (CHROMIUM_PATH, or `chromium` on the PATH).

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { root, setUp } from './setup.mjs'

const pictures = join(root, 'docs', 'pictures')
const size = { width: 1_200, height: 760 }
const languages = { en: 'en-GB', zh: 'zh-CN' }
const sizes = [
  { width: 320, height: 640 },
  { width: 1_280, height: 800 },
  { width: 3_840, height: 2_160 },
]

/** Starts a server with the sample and resolves with its address once the sample is imported. */
function serve(data) {
  const args = [
    join(root, 'bin', 'quillwork.js'),
    'serve',
    '--sample',
    '--no-token',
    '--data',
    data,
    '--port',
    '0',
  ]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((resolve, reject) => {
    let said = ''
    server.stdout.setEncoding('utf8').on('data', text => {
      said += text
      const [, url] = /^listening on (\S+)$/m.exec(said) ?? []
      if (url !== undefined && said.includes('The sample is imported.')) resolve({ server, url })
    })
    server.once('close', code => reject(new Error(`The server ended with ${code}:\n${said}`)))
  })
}

/** Submits tasks that cannot succeed, and resolves with the last of them once all have failed. */
async function failing(url, count) {
  const headers = { 'content-type': 'application/json', prefer: 'wait=20' }
  let task
  for (let number = 1; number <= count; number++) {
    const parameters = { novelId: 'gone', sceneId: `scene-${number}` }
    const body = JSON.stringify({ taskType: 'GenerateSummary', parameters })
    task = await (await fetch(`${url}/v1/tasks`, { method: 'POST', headers, body })).json()
  }
  return task
}

/** Returns what the pages show: a novel with its first chapter and scene, the task that imported it, and one that failed. */
async function fill(url) {
  const ask = async path => (await fetch(`${url}${path}`)).json()
  const failed = await failing(url, 2)
  const { items: novels } = await ask('/v1/novels')
  const novel = novels.find(({ language }) => language === 'en') ?? novels[0]
  const { outline } = await ask(`/v1/novels/${novel.id}`)
  const chapter = outline[0].chapters[0]
  const { scenes } = await ask(`/v1/novels/${novel.id}/chapters/${chapter.id}`)
  const { items: tasks } = await ask('/v1/tasks?rootsOnly=true&taskType=ImportNovel')
  return { novel, chapter, scene: scenes[0], imported: tasks[0], failed }
}

/**
 * The pictures of the documents: a name, an address, what has to be there before it is taken, and `press`: the button that is pressed first. `themes`: those
 * it is taken in; both where none are named.
 */
function wanted({ novel, chapter, imported, failed }) {
  const light = { themes: ['light'] }
  return [
    { name: 'shelf', path: '/', text: novel.title },
    { name: 'reader', path: `/novels/${novel.id}/chapters/${chapter.id}`, text: 'Summary' },
    { name: 'task', path: `/tasks/${imported.id}`, text: 'Summarise scenes' },
    { name: 'overview', path: '/overview', text: 'Tasks that ended', ...light },
    { name: 'attention', path: '/dead-letters', text: '2 tasks', ...light },
    {
      name: 'stack',
      path: `/tasks/${failed.id}`,
      press: 'Stack trace',
      text: 'Hide the stack trace',
      ...light,
    },
    { name: 'retry', path: '/dead-letters', press: 'Try all again', text: 'Try 2 tasks again', ...light },
  ]
}

/** Runs in the page: a stack trace names no folder of the machine that the picture was taken on. */
function hidePlaces(folder) {
  for (const { firstChild } of document.querySelectorAll('main pre'))
    if (firstChild !== null)
      firstChild.textContent = firstChild.textContent.replaceAll(folder, '/opt/quillwork/')
}

const look = { locale: languages.en, reducedMotion: 'reduce' }

/** Takes the pictures of the documents. */
async function takeWanted(browser, url) {
  const shots = wanted(await fill(url))
  for (const theme of ['light', 'dark']) {
    const page = await browser.newPage({ ...look, viewport: size, colorScheme: theme })
    for (const { name, path, text, press, themes = [theme] } of shots) {
      if (!themes.includes(theme)) continue
      await page.goto(`${url}${path}`)
      if (press !== undefined) await page.getByRole('button', { name: press }).click()
      await page.getByText(text).filter({ visible: true }).first().waitFor()
      await page.locator('[data-live=live]').waitFor()
      await page.evaluate(() => document.fonts.ready)
      await page.evaluate(hidePlaces, root)
      await page.screenshot({ path: join(pictures, `${name}-${theme}.png`) })
      console.log(`docs/pictures/${name}-${theme}.png`)
    }
    await page.close()
  }
}

/** Returns a name and an address for each kind of page. */
function everyPage({ novel, chapter, scene, imported, failed }) {
  const plain = ['tasks', 'dead-letters', 'overview', 'lanes', 'schedules', 'workers', 'events', 'audit']
  const parts = ['codex', 'prompts', 'threads', 'style']
  return [
    ['shelf', '/'],
    ...[...plain, 'usage', 'limits', 'settings'].map(name => [name, `/${name}`]),
    ['task', `/tasks/${imported.id}`],
    ['task-failed', `/tasks/${failed.id}`],
    ['novel', `/novels/${novel.id}`],
    ['chapter', `/novels/${novel.id}/chapters/${chapter.id}`],
    ['scene', `/novels/${novel.id}/scenes/${scene.id}`],
    ...parts.map(name => [name, `/novels/${novel.id}/${name}`]),
  ]
}

/** Returns a picture of a page once it stays as it is: names and buttons may come after the rest. */
async function steady(page) {
  await page.getByRole('heading', { level: 1 }).waitFor()
  let before
  for (let tries = 0; tries < 20; tries++) {
    const picture = await page.screenshot()
    if (before?.equals(picture)) return picture
    before = picture
    await page.waitForTimeout(150)
  }
  throw new Error(`${page.url()} does not come to rest.`)
}

/** Takes every page in every theme, language and size into the folder. */
async function takeEvery(browser, url, folder) {
  const pages = everyPage(await fill(url))
  const looks = ['light', 'dark'].flatMap(theme =>
    Object.entries(languages).flatMap(([language, locale]) =>
      sizes.map(viewport => ({ theme, language, locale, viewport })),
    ),
  )
  for (const { theme, language, locale, viewport } of looks) {
    const page = await browser.newPage({ ...look, locale, viewport, colorScheme: theme })
    for (const [name, path] of pages) {
      await page.goto(`${url}${path}`)
      await page.locator('[data-live=live]').waitFor()
      await page.evaluate(() => document.fonts.ready)
      writeFileSync(join(folder, `${name}-${theme}-${language}-${viewport.width}.png`), await steady(page))
    }
    await page.close()
    console.log(`${pages.length} pages, ${theme}, ${language}, ${viewport.width} pixels wide`)
  }
}

/** Runs in the page: returns the share of the pixels that differ between two pictures, of 1; 1 where their sizes do. */
async function differing([older, newer]) {
  const [left, right] = await Promise.all(
    [older, newer].map(async picture => {
      const image = new Image()
      image.src = `data:image/png;base64,${picture}`
      await image.decode()
      const canvas = new OffscreenCanvas(image.width, image.height)
      const context = canvas.getContext('2d')
      context.drawImage(image, 0, 0)
      return new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)
    }),
  )
  if (left.length !== right.length) return 1
  return left.filter((pixel, at) => pixel !== right[at]).length / left.length
}

/** Prints which pictures of the folder differ from those of the same name in the older one, and how much of each. */
async function compare(browser, older, folder) {
  const page = await browser.newPage()
  const read = (from, name) => readFileSync(join(from, name)).toString('base64')
  for (const name of readdirSync(folder).filter(each => each.endsWith('.png'))) {
    if (!existsSync(join(older, name))) {
      console.log(`${name} is new`)
      continue
    }
    const share = await page.evaluate(differing, [read(older, name), read(folder, name)])
    if (share > 0) console.log(`${name} differs in ${(share * 100).toFixed(2)} % of its pixels`)
  }
}

const { values } = parseArgs({ options: { all: { type: 'string' }, beside: { type: 'string' } } })
if (values.beside !== undefined && values.all === undefined) throw new Error('--beside needs --all FOLDER.')
const folder = values.all && resolve(values.all)
setUp()
mkdirSync(folder ?? pictures, { recursive: true })
const data = mkdtempSync(join(tmpdir(), 'quillwork-pictures-'))
const { server, url } = await serve(data)
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
})
try {
  if (folder === undefined) await takeWanted(browser, url)
  else await takeEvery(browser, url, folder)
  if (folder !== undefined && values.beside !== undefined)
    await compare(browser, resolve(values.beside), folder)
} finally {
  await browser.close()
  server.removeAllListeners('close').kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
}
