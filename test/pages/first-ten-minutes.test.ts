import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blocksOf, stepsOf } from '../docs/markdown.ts'
import { createProject, type Project, root } from '../docs/project.ts'
import { check, type DocumentedServer, startServer } from '../docs/server.ts'
import { requireBuilt } from '../process/crash/built.ts'
import { describePages, open } from './kit/browser.ts'

const guide = readFileSync(path.join(root, 'docs', 'first-ten-minutes.md'), 'utf8')
const command = path.join(root, 'bin', 'quillwork.js')

/** What a sentence of the page asks for, and how it is done. */
const verbs: Record<string, (page: Page, name: string, value: string) => Promise<unknown>> = {
  Open: (page, name) => page.getByRole('navigation').getByRole('link', { name }).click(),
  Press: (page, name) => frontOf(page).getByRole('button', { name }).last().click(),
  Follow: (page, name) => frontOf(page).getByRole('link', { name }).last().click(),
  'You see': (page, name) => page.getByText(name).filter({ visible: true }).first().waitFor(),
  Type: (page, name, value) => page.getByRole('textbox', { name, exact: true }).fill(value),
  async Choose(page, name, value) {
    await page.getByRole('combobox', { name }).click()
    await page.getByRole('option', { name: value }).click()
  },
}

/** The page without its navigation, and the dialog over it, which comes last. */
function frontOf(page: Page): Locator {
  return page.locator('main, [role=dialog]')
}

/** What a paragraph asks for, in order: `Press *Done*.`, `Type `Robin` into *Name*.`, `Choose *operator* as *Role*.` */
const asked =
  /\b(Open|Press|Follow|You see) \*([^*]+)\*|\b(Type) `([^`]+)` into \*([^*]+)\*|\b(Choose) \*([^*]+)\* as \*([^*]+)\*/g

interface Act {
  verb: string
  name: string
  value: string
}

function actsOf(paragraph: string): Act[] {
  return [...paragraph.matchAll(asked)].map(([, verb, name, type, typed, box, choose, chosen, choice]) => ({
    verb: verb ?? type ?? choose ?? '',
    name: name ?? box ?? choice ?? '',
    value: typed ?? chosen ?? '',
  }))
}

describePages('the first ten minutes of an operator', () => {
  let project: Project
  let server: DocumentedServer
  beforeAll(async () => {
    requireBuilt()
    project = createProject()
    const [start] = blocksOf(guide).filter(({ language }) => language === 'sh')
    const [, ...args] = start?.text.trim().split(' ') ?? []
    server = await startServer([command, ...args, '--port', '0'], {
      cwd: project.folder,
      env: { QUILLWORK_LOG_LEVEL: 'error' },
    })
  }, 120_000)
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    project.remove()
  })

  const run = (line: string) => project.run(line.replace('quillwork ', `node ${command} `))

  test('go as they are written down, in a terminal and in a browser', async () => {
    await using opened = await open('about:blank', { width: 1_200, height: 760 })
    let acts = 0
    for (const part of guide.split('\n\n')) {
      for (const { verb, name, value } of actsOf(part)) {
        await verbs[verb]?.(opened.page, name, value).catch((error: unknown) => {
          throw new Error(`${verb} *${name}*: ${String(error)}`)
        })
        acts += 1
      }
      for (const step of blocksOf(part).flatMap(block => stepsOf(block.text))) {
        const printed: string[] = []
        check(step, line => {
          const done = run(line)
          printed.push(done.stdout.trim())
          return { ...done, stdout: done.stdout.replaceAll(server.url, 'http://127.0.0.1:7420') }
        })
        if (step.command === 'quillwork sign-in') await opened.page.goto(printed[0] ?? '')
      }
    }
    expect(acts).toBe(guide.match(/\b(Open|Press|Follow|You see|Type|Choose) [*`]/g)?.length)
    expect(acts).toBeGreaterThan(25)
  })
})
