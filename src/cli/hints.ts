import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { shownAddress } from '../server/addresses.ts'
import type { ResolvedConfig } from '../server/config.ts'

/**
 * Returns a command to type next, so that it works here: the program as it can be called, on the same data directory and servers. A
 * password in an address is left out.
 */
export function commandText(
  words: string,
  { config, origins, file, isFileNamed }: Pick<ResolvedConfig, 'config' | 'origins' | 'file' | 'isFileNamed'>,
): string {
  const settings = isFileNamed && file !== undefined ? ` --config ${quoted(file)}` : ''
  const data = origins.data === 'command line' ? ` --data ${quoted(config.data)}` : ''
  const addresses = (['store', 'broker', 'url'] as const).map(name => {
    const value = config[name]
    return value === undefined || origins[name] !== 'command line'
      ? ''
      : ` --${name} ${quoted(shownAddress(value))}`
  })
  const open = origins.allowOpenData === 'command line' ? ' --allow-open-data' : ''
  return `${programText()} ${words}${settings}${data}${open}${addresses.join('')}`
}

/** Returns the address at which the pages sign a browser in. What follows `#` is sent to no server. */
export function signedIn(url: string, token: string): string {
  return `${url}/#token=${token}`
}

/** Returns `quillwork` where it was called by that name, such as from the PATH; else the file. */
export function programText(): string {
  const called = path.basename(process.argv[1] ?? '')
  if (/^quillwork(\.(cmd|exe|ps1))?$/.test(called)) return 'quillwork'
  const bin = fileURLToPath(new URL('../../bin/quillwork.js', import.meta.url))
  return `node ${quoted(path.relative(process.cwd(), bin))}`
}

export function quoted(text: string): string {
  return /^[\w./\\:@~+-]+$/.test(text) ? text : JSON.stringify(text)
}
