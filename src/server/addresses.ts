/** Addresses of stores and brokers. They may hold passwords: print, log or send one only through `shownAddress`. */
import path from 'node:path'
import { isLoopback } from '../http/loopback.ts'

const sqlitePattern = /^sqlite:(?!\/\/)(.+)$/
const host = String.raw`(?:\[[\da-f:]+\]|[^@/?#\s:,[\]]+)(?::\d+)?`
const mongoPattern = new RegExp(
  String.raw`^mongodb(?:\+srv)?://(?:[^@/?#\s]*@)?${host}(?:,${host})*(?:/[^@/?#\s]*)?(?:\?\S*)?$`,
  'i',
)

/** Returns whether a text is the address of a store. */
export function isStoreAddress(address: string): boolean {
  return sqlitePattern.test(address) || mongoPattern.test(address)
}

/** Returns whether a text is the address of a broker, or a list of addresses of one cluster. */
export function isBrokerAddress(addresses: string): boolean {
  return addressesOf(addresses).every(
    address =>
      /^amqps?:\/\/[^\s]+$/.test(address) && URL.canParse(address) && new URL(address).hostname !== '',
  )
}

/** Returns the addresses of a list with commas. */
export function addressesOf(list: string): string[] {
  return list.split(',').map(address => address.trim())
}

/** Returns the file of an SQLite address, undefined for any other address. */
export function sqliteFileOf(address: string): string | undefined {
  return sqlitePattern.exec(address)?.[1]
}

/** Returns the configuration with an absolute path in its SQLite address. */
export function withAbsoluteFile<C extends { readonly store?: string | undefined }>(
  config: C,
  cwd: string,
): C {
  const file = config.store === undefined ? undefined : sqliteFileOf(config.store)
  return file === undefined ? config : { ...config, store: `sqlite:${path.resolve(cwd, file)}` }
}

/** Returns an address, or a list of them, without user, password and options: what may be printed, logged and sent. */
export function shownAddress(address: string): string {
  if (sqlitePattern.test(address)) return address
  // A comma within one address separates hosts, so only a scheme begins the next one.
  return address
    .split(/,\s*(?=\w+:\/\/)/)
    .map(shownOne)
    .join(',')
}

/** Returns the address of a MongoDB store as it may be shown, with its database: the one that `named` gives, else that of the address. */
export function shownDatabase(address: string, named: string | undefined): string {
  const shown = shownAddress(address)
  const servers = shown.replace(/(?<=[^/])\/[^/]*$/, '')
  const own = shown.slice(servers.length + 1)
  // Without a name, the driver would use `test`; the store uses its own default instead.
  return `${servers}/${named ?? (own === '' || own === 'test' ? 'quillwork' : own)}`
}

function shownOne(address: string): string {
  const parts = /^([a-z][a-z+]*:\/\/)(.*)$/s.exec(address)
  if (parts === null) return '(not shown)'
  const [, scheme = '', rest = ''] = parts
  // The last @ ends the password, which may hold others that were not encoded.
  const hosts = rest.slice(rest.lastIndexOf('@') + 1)
  return scheme + hosts.replace(/[?#].*$/s, '')
}

/** Returns a warning for each server that is spoken to unencrypted beyond the loopback: passwords and texts can be read on the way. */
export function plainWarnings(config: { store?: string | undefined; broker?: string | undefined }): string[] {
  const { store = '', broker = '' } = config
  const isPlainStore = /^mongodb:/i.test(store) && !/[?&](tls|ssl)=true(&|$)/i.test(store)
  const plainBrokers = addressesOf(broker).filter(address => /^amqp:/i.test(address))
  const plain = [
    ...(isPlainStore ? [{ setting: 'store', address: store, instead: 'tls=true in its options' }] : []),
    ...plainBrokers.map(address => ({ setting: 'broker', address, instead: 'amqps://' })),
  ]
  return plain
    .filter(({ address }) => !hostsOf(address).every(isLoopback))
    .map(
      ({ setting, address, instead }) =>
        `${setting} is ${shownAddress(address)}: passwords and texts cross the network unencrypted. Use ${instead}.`,
    )
}

/** Returns the hosts of an address, without ports. */
function hostsOf(address: string): string[] {
  const [, hosts = ''] = /^[a-z+]+:\/\/([^/]*)/i.exec(shownOne(address)) ?? []
  return hosts.split(',').map(host => host.replace(/:\d+$/, ''))
}
