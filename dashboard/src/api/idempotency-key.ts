/**
 * A new `Idempotency-Key`: 32 hexadecimal digits of chance. Made once for what a person wants, and sent with each try of it.
 * `crypto.randomUUID` is not there over plain HTTP from another machine; this is.
 */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
