/** Addresses of stores and brokers. They may hold passwords: whatever is told of one goes through `shownAddress`. */
import path from 'node:path'

const sqlitePattern = /^sqlite:(?!\/\/)(.+)$/
const host = String.raw`(?:\[[\da-f:]+\]|[^@/?#\s:,[\]]+)(?::\d+)?`
const mongoPattern = new RegExp(
  String.raw`^mongodb(?:\+srv)?://(?:[^@/?#\s]*@)?${host}(?:,${host})*(?:/[^@/?#\s]*)?(?:\?\S*)?$`,
  'i',
)

/** Whether a text is the address of a store. */
export function isStoreAddress(address: string): boolean {
  return sqlitePattern.test(address) || mongoPattern.test(address)
}

/** Whether a text is the address of a broker, or of several of one cluster. */
export function isBrokerAddress(addresses: string): boolean {
  return addressesOf(addresses).every(
    address =>
      /^amqps?:\/\/[^\s]+$/.test(address) && URL.canParse(address) && new URL(address).hostname !== '',
  )
}

/** The addresses of a list that is separated by commas. */
export function addressesOf(list: string): string[] {
  return list.split(',').map(address => address.trim())
}

/** The file of an SQLite address; undefined for any other one. */
export function sqliteFileOf(address: string): string | undefined {
  return sqlitePattern.exec(address)?.[1]
}

/** The configuration with the file of an SQLite address from the root on. */
export function withAbsoluteFile<C extends { readonly store?: string | undefined }>(
  config: C,
  cwd: string,
): C {
  const file = config.store === undefined ? undefined : sqliteFileOf(config.store)
  return file === undefined ? config : { ...config, store: `sqlite:${path.resolve(cwd, file)}` }
}

/** An address, or a list of them, without user, password and options: what may be printed, logged and sent. */
export function shownAddress(address: string): string {
  if (sqlitePattern.test(address)) return address
  // A comma within one address separates hosts, so only a scheme begins the next one.
  return address
    .split(/,\s*(?=\w+:\/\/)/)
    .map(shownOne)
    .join(',')
}

/** The address of a MongoDB store as it may be told, with the database in it: the one that is named beside it, else its own. */
export function shownDatabase(address: string, named: string | undefined): string {
  const shown = shownAddress(address)
  const servers = shown.replace(/(?<=[^/])\/[^/]*$/, '')
  const own = shown.slice(servers.length + 1)
  // The store takes the name that the driver falls back on for none.
  return `${servers}/${named ?? (own === '' || own === 'test' ? 'quillwork' : own)}`
}

function shownOne(address: string): string {
  const parts = /^([a-z][a-z+]*:\/\/)(.*)$/s.exec(address)
  if (parts === null) return '(not shown)'
  const [, scheme = '', rest = ''] = parts
  // The last one: a password may hold an @ that was not encoded.
  const hosts = rest.slice(rest.lastIndexOf('@') + 1)
  return scheme + hosts.replace(/[?#].*$/s, '')
}
