import { createManualClock } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { withinWaits } from '../../../src/ai/providers/within-waits.ts'

const timeouts = { first: 2_000, idle: 1_000, total: 30_000 }
/** A connection that does not hear that it is to end. */
const deaf = () => new Promise<never>(() => undefined)

it('a wait that is too long ends a call whose connection does not end', async () => {
  const clock = createManualClock()
  const call = withinWaits({ model: 'prose', timeouts, clock, signal: undefined }, waits => {
    waits.arrived()
    return deaf()
  })
  const ended = expect(call).rejects.toMatchObject({ code: 'MODEL_STALLED', details: { wait: 'idle' } })
  await clock.advance('1s')
  await ended
})

it('so does whoever aborts it, with the reason', async () => {
  const leaving = new AbortController()
  const clock = createManualClock()
  const call = withinWaits({ model: 'prose', timeouts, clock, signal: leaving.signal }, deaf)
  leaving.abort(new Error('enough'))
  await expect(call).rejects.toThrow('enough')
})
