import type { Page } from 'playwright-core'

/** Edits of scenes that a page has sent and the server has not got yet. */
export interface HeldEdits {
  /** What was sent, as it was sent. */
  readonly sent: readonly unknown[]
  /** Lets them go on, and all that come after. */
  release(): void
}

/** Keeps the edits of scenes that a page sends on their way. */
export async function holdEdits(page: Page): Promise<HeldEdits> {
  const sent: unknown[] = []
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  await page.route('**/v1/scenes/*', async route => {
    const request = route.request()
    if (request.method() === 'PATCH') {
      sent.push(request.postDataJSON())
      await released
    }
    await route.continue()
  })
  return { sent, release: () => release() }
}
