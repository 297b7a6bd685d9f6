/**
 * The first requests wait for the stream of events to stand: what changes after their answers is then told, and nothing has to be read
 * twice. Where there is no stream they wait only a moment.
 */

/** Milliseconds. */
const longestWaitMs = 250

let hasAsked = false
let isWaiting = false
let release: () => void = () => undefined
const released = new Promise<void>(resolve => {
  release = resolve
})

/** Await it before a request is sent. */
export async function mayAsk(): Promise<void> {
  if (!isWaiting) setTimeout(release, longestWaitMs)
  isWaiting = true
  await released
  hasAsked = true
}

/** The stream stands, or is refused. Answers whether something was asked for before, and may have changed since without being told. */
export function streamStands(): boolean {
  release()
  return hasAsked
}
