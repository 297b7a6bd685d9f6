import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from 'node:net'

/** Where an address leads: into the open, into a network of one's own, or nowhere that a model can be. */
export type AddressScope = 'public' | 'private' | 'never'

const privateRanges = listOf(
  // This machine, private networks, IPv6 links.
  '127.0.0.0/8 ::1/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fe80::/10',
  // Networks of carriers, networks for measurements.
  '100.64.0.0/10 198.18.0.0/15',
)

/** Where no model is (https://www.iana.org/assignments/iana-ipv4-special-registry and its IPv6 twin). */
const forbiddenRanges = listOf(
  // Services of clouds that hand out a machine's credentials, which most have on an IPv4 link.
  '169.254.0.0/16 100.100.100.200/32 168.63.129.16/32 fd00:42::42/128 fd00:ec2::/32 fd20:ce::254/128',
  // Unspecified and reserved addresses, groups.
  '0.0.0.0/8 192.0.0.0/24 224.0.0.0/4 240.0.0.0/4',
  // Addresses for documents.
  '192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20',
  // Ranges that tunnel.
  '192.88.99.0/24 2001::/23 2002::/16',
)

/** Of IPv6, what is in none of these leads nowhere. */
const openRanges = listOf('2000::/3')

/** Where an address leads, by the address alone. What is not an address leads nowhere. */
export function addressScopeOf(address: string): AddressScope {
  const plain = address.split('%')[0] ?? ''
  if (isIPv4(plain)) return scopeIn(plain, 'ipv4')
  if (!isIPv6(plain)) return 'never'
  const embedded = embeddedIPv4(plain)
  // A public address written in this way is meant to get past a filter.
  if (embedded !== undefined) return scopeIn(embedded, 'ipv4') === 'never' ? 'never' : 'private'
  return scopeIn(plain, 'ipv6')
}

/** Returns whether http:// may lead to the host of a URL: to a private address, or to a name, whose addresses are checked when it is resolved. */
export function mayBePlain(hostname: string): boolean {
  const literal = hostname.replace(/^\[|\]$/gu, '')
  return isIP(literal) === 0 || addressScopeOf(literal) === 'private'
}

function scopeIn(address: string, family: 'ipv4' | 'ipv6'): AddressScope {
  if (forbiddenRanges.check(address, family)) return 'never'
  if (privateRanges.check(address, family)) return 'private'
  return family === 'ipv4' || openRanges.check(address, family) ? 'public' : 'never'
}

function listOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges.join(' ').split(' ')) {
    const [network = '', prefix] = range.split('/')
    list.addSubnet(network, Number(prefix), isIPv4(network) ? 'ipv4' : 'ipv6')
  }
  return list
}

/** The IPv4 address within a mapped one (`::ffff:0:0/96`) or one that is translated (NAT64: `64:ff9b::/96`, `64:ff9b:1::/48`). */
function embeddedIPv4(address: string): string | undefined {
  const groups = groupsOf(address)
  const [first, second, third] = groups
  const isMapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff
  const isTranslated =
    first === 0x64 && second === 0xff9b && (third === 1 || groups.slice(2, 6).every(group => group === 0))
  if (!isMapped && !isTranslated) return undefined
  return groups
    .slice(6)
    .flatMap(group => [group >> 8, group & 0xff])
    .join('.')
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  // The URL parser writes every notation in one way, without a dotted end.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const before = numbersIn(head)
  const after = numbersIn(tail ?? '')
  return tail === undefined
    ? before
    : [...before, ...Array(8 - before.length - after.length).fill(0), ...after]
}

function numbersIn(part: string): number[] {
  return part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
}

/** Resolves a name and leaves only addresses that are allowed; the connection is made to these and to no others. */
export function guardedLookup(
  allows: (scope: AddressScope) => boolean,
  refusal: () => Error,
  lookup: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const allowed = addresses.filter(({ address }) => allows(addressScopeOf(address)))
      const [first] = allowed
      if (first === undefined) return callback(refusal(), [])
      if (options.all === true) return callback(null, allowed)
      callback(null, first.address, first.family)
    })
  }
}
