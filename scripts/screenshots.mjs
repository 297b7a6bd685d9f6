// `npm run screenshots`: takes the pictures of the documents from a server that is filled with the sample, light and dark, into docs/pictures/.
// Needs a Chromium (CHROMIUM_PATH, or `chromium` on the PATH).

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { root, setUp } from './setup.mjs'

const pictures = join(root, 'docs', 'pictures')
const size = { width: 1_200, height: 760 }

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

/**
 * The pictures: a name, an address, what has to be there before it is taken, and `press`: the button that is pressed first. `themes`: those
 * it is taken in; both where none are named.
 */
async function wanted(url) {
  const ask = async path => (await fetch(`${url}${path}`)).json()
  const failed = await failing(url, 2)
  const light = { themes: ['light'] }
  const { items: novels } = await ask('/v1/novels')
  const novel = novels.find(({ language }) => language === 'en') ?? novels[0]
  const { outline } = await ask(`/v1/novels/${novel.id}`)
  const { items: tasks } = await ask('/v1/tasks?rootsOnly=true&taskType=ImportNovel')
  const chapter = outline[0].chapters[0]
  return [
    { name: 'shelf', path: '/', text: novel.title },
    { name: 'reader', path: `/novels/${novel.id}/chapters/${chapter.id}`, text: 'Summary' },
    { name: 'task', path: `/tasks/${tasks[0].id}`, text: 'Summarise scenes' },
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

async function takeAll(url) {
  const shots = await wanted(url)
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  try {
    for (const theme of ['light', 'dark']) {
      const look = { viewport: size, colorScheme: theme, locale: 'en-GB', reducedMotion: 'reduce' }
      const page = await browser.newPage(look)
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
  } finally {
    await browser.close()
  }
}

setUp()
mkdirSync(pictures, { recursive: true })
const data = mkdtempSync(join(tmpdir(), 'quillwork-pictures-'))
const { server, url } = await serve(data)
try {
  await takeAll(url)
} finally {
  server.removeAllListeners('close').kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
}
