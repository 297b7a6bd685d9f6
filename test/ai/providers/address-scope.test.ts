import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressScopeOf } from '../../../src/ai/providers/address-scope.ts'

const reaches: Readonly<Record<ReturnType<typeof addressScopeOf>, readonly string[]>> = {
  public: [
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82f::200a',
  ],
  private: [
    '10.0.0.1',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '198.18.0.1',
    '::1',
    '0:0:0:0:0:0:0:1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:10.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::10.0.0.1',
    '64:ff9b::808:808',
    '64:ff9b:1::a00:1',
  ],
  never: [
    '0.0.0.0',
    '0.1.2.3',
    '100.100.100.200',
    '168.63.129.16',
    '169.254.169.254',
    '169.254.1.1',
    'fd00:42::42',
    '192.0.0.192',
    '192.0.2.1',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '::',
    '::127.0.0.1',
    'ff02::1',
    'fd00:ec2::254',
    'fec0::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '4000::1',
    '::ffff:169.254.169.254',
    '::ffff:0.0.0.0',
    '64:ff9b::a9fe:a9fe',
    'localhost',
    '',
    '1.2.3',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '1.2.3.4.5',
    '[::1]',
    ':::',
  ],
}

describe('where an address leads', () => {
  for (const [reach, addresses] of Object.entries(reaches)) {
    it.each(addresses)(`${reach}: %s`, address => expect(addressScopeOf(address)).toBe(reach))
  }

  it('is never the open for an IPv4 address within an IPv6 one, and never more than for itself', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const words = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        const expected = addressScopeOf(address) === 'never' ? 'never' : 'private'
        for (const form of [
          `::ffff:${address}`,
          `::ffff:${words}`,
          `64:ff9b::${words}`,
          `0:0:0:0:0:ffff:${words}`,
        ]) {
          expect(addressScopeOf(form), form).toBe(expected)
        }
      }),
    )
  })

  it('does not depend on how an IPv6 address is written', () => {
    fc.assert(
      fc.property(fc.ipV6(), address => {
        const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
        expect(addressScopeOf(address)).toBe(addressScopeOf(canonical))
        expect(addressScopeOf(address.toUpperCase())).toBe(addressScopeOf(canonical))
      }),
    )
  })

  it('is told of any text', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(['public', 'private', 'never']).toContain(addressScopeOf(text))
      }),
    )
  })

  it('agrees with the arithmetic of private networks', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        const [a = 0, b = 0] = address.split('.').map(Number)
        const isPrivate =
          a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
        if (isPrivate) expect(addressScopeOf(address)).toBe('private')
        if (a >= 224 || a === 0) expect(addressScopeOf(address)).toBe('never')
      }),
    )
  })
})
