import { createRequire } from 'node:module'
import { QuillworkError } from '../task/errors.ts'

/** Parts of the product that need packages which are installed only where the part is used: the optional peers of `package.json`. */

const require = createRequire(import.meta.url)

/**
 * Returns what a part loads. Throws PACKAGE_MISSING, with the command that mends it, where one of the packages that it needs is not installed.
 * @public The entries that `scripts/entries.mjs` makes call it.
 */
export function loadPart<T>(part: string, needed: readonly string[], load: () => T): T {
  try {
    return load()
  } catch (error) {
    throw missingOf(part, needed) ?? error
  }
}

/** As `loadPart`, for a part that is loaded when it is first used. */
export async function importPart<T>(
  part: string,
  needed: readonly string[],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw missingOf(part, needed) ?? error
  }
}

function missingOf(part: string, needed: readonly string[]): QuillworkError | undefined {
  const missing = needed.filter(name => !isInstalled(name))
  if (missing.length === 0) return undefined
  const manifest = require('../../package.json') as Record<string, Record<string, string> | undefined>
  // In the package of the server they are no peers.
  const versions = manifest['peerDependencies'] ?? manifest['dependencies'] ?? {}
  const named = missing.map(name => `${name}@${versions[name]}`).join(' ')
  return new QuillworkError(
    'PACKAGE_MISSING',
    `${part} needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not installed. Run: npm install ${named}`,
    { details: { missing } },
  )
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch (error) {
    // A package that is there may have nothing that `require` takes.
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
  }
}
