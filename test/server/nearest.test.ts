import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nearestName } from '../../src/server/setting-values.ts'

const names = ['port', 'host', 'retention', 'uploadLimit', 'logLevel']

describe('the nearest name', () => {
  test.each([
    ['prot', 'port'],
    ['PORT', 'port'],
    ['por', 'port'],
    ['hosts', 'host'],
    ['retentoin', 'retention'],
    ['uploadlimit', 'uploadLimit'],
    ['loglevels', 'logLevel'],
    ['colour', undefined],
    ['', undefined],
  ])('of %j is %j', (given, name) => {
    expect(nearestName(given, names)).toBe(name)
  })

  test('of a name with one letter more, fewer or changed is that name', () => {
    const name = fc.constantFrom(...names)
    fc.assert(
      fc.property(name, fc.nat(), fc.constantFrom('drop', 'change', 'add'), (each, chance, how) => {
        const at = chance % each.length
        const letter = how === 'drop' ? '' : '#'
        const rest = how === 'add' ? each.slice(at) : each.slice(at + 1)
        expect(nearestName(each.slice(0, at) + letter + rest, names)).toBe(each)
      }),
    )
  })
})
