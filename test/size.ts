/** What `scripts/test.mjs` was asked for. */
const asked = process.env['TEST_SIZE']

/** Whether this is `npm run test:slow` or `npm run test:faults`, not `npm test`. */
export const isSlow = asked !== undefined

/** Whether this is `npm run test:faults`: the load of the acceptance matrix. */
export const isFull = asked === 'full'

/** Picks by the size of the run: that of `npm test`, of `npm run test:slow`, and of `npm run test:faults` where it differs from that. */
export function sizeOf<T>(small: T, slow: T, full: T = slow): T {
  if (isFull) return full
  return isSlow ? slow : small
}
