import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describePages, open, type PageServer, startServer } from './kit/kit.ts'

/** Goes on with Tab, as somebody without a mouse does, until what has the focus is called so. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const seen: string[] = []
  for (let turn = 0; turn < 80; turn++) {
    await page.keyboard.press('Tab')
    const called = await page.evaluate(() => {
      const { activeElement } = document
      const labels = activeElement instanceof HTMLInputElement ? [...(activeElement.labels ?? [])] : []
      return `${activeElement?.getAttribute('aria-label') ?? ''} ${labels.map(label => label.textContent).join(' ')} ${activeElement?.textContent ?? ''}`
    })
    if (name.test(called)) return
    seen.push(called.trim().slice(0, 40))
  }
  throw new Error(`Nothing called ${name} can be reached; there were: ${seen.join(' | ')}`)
}

async function keys(page: Page, ...pressed: string[]): Promise<void> {
  for (const key of pressed) await page.keyboard.press(key)
}

describePages('by keyboard alone', () => {
  let server: PageServer
  beforeAll(async () => {
    server = await startServer()
  }, 120_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('from an empty shelf to a passage in a novel, to its task, and back', {
    timeout: 180_000,
  }, async () => {
    await using opened = await open(server.url)
    const { page } = opened
    const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('button', { name: /The Salt Ledger/ }).waitFor()

    await keys(page, 'Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await keys(page, 'Enter')
    await tabTo(page, /Take it.*The Salt Ledger/)
    await keys(page, 'Enter')
    await page.getByText('Every scene has a summary').waitFor()
    await tabTo(page, /^ *The Salt Ledger/)
    await keys(page, 'Enter')
    await heading('The Salt Ledger')

    await keys(page, '/')
    await page.keyboard.type('oil chit')
    await page.locator('mark').first().waitFor()
    await keys(page, 'ArrowDown', 'Enter')
    await heading(/^Chapter/)
    await page.locator('mark').first().waitFor()

    await keys(page, 'g', 't')
    await heading('Tasks')
    await page.locator('main a[href^="/tasks/"]').first().waitFor()
    await keys(page, 'j', 'Enter')
    await heading(/Import a novel/)
    await keys(page, 'Shift+?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await keys(page, 'Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    const theme = () => page.locator('html').getAttribute('data-mantine-color-scheme')
    expect(await theme()).toBe('light')
    await keys(page, 't')
    await expect.poll(theme).toBe('dark')
    await keys(page, 'g', 'd')
    await heading('Needs attention')
    await keys(page, 'g', 'u')
    await heading('Usage and cost')
    await keys(page, 'g', 'l')
    await heading('Limits')
    await keys(page, 'g', 's')
    await heading('Shelf')
  })

  test('keys do nothing while something is filled in, and none once they are switched off', async () => {
    await using opened = await open(`${server.url}/tasks`)
    const { page } = opened
    await page.locator('[data-live=live]').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await keys(page, '/')
    await page.keyboard.type('gst?')
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('gst?')
    await page.goto(`${server.url}/settings`)
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    // The button in the header is called so too; the switch is the second.
    await tabTo(page, /Keyboard shortcuts/)
    await tabTo(page, /Keyboard shortcuts/)
    await keys(page, 'Space')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await keys(page, 'g', 't')
    expect(new URL(page.url()).pathname).toBe('/settings')
  })
})
