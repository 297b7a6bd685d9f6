/** Needs no driver, so that those who share the database do not load it for this. */

/** The code of a write that met a unique key. */
export const duplicateKey = 11_000

/** Whether the error is that of a unique key that is taken. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === duplicateKey
}
