import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { QuillworkError } from 'quillwork'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listKeys, openKeys, removeKey, storeKey } from '../../src/server/key-file.ts'
import { sizeOf } from '../size.ts'

const secret = 'a-long-random-secret'
const origin = 'https://api.example'
const origins = [origin]
let data: string
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'quillwork-keys-'))
})
afterEach(() => rmSync(data, { recursive: true }))

const file = () => path.join(data, 'keys.json')
const stored = () => JSON.parse(readFileSync(file(), 'utf8'))

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(QuillworkError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return (error as QuillworkError).message
  }
  return expect.fail('it was done')
}

const names = fc.stringMatching(/^[\w.-]{1,40}$/).filter(name => name !== '__proto__')
const keys = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' })

describe('stored keys', () => {
  test('are read back as they were, and stand nowhere in clear', () => {
    fc.assert(
      fc.property(fc.dictionary(names, keys, { minKeys: 1, maxKeys: 2 }), entries => {
        rmSync(file(), { force: true })
        for (const [name, key] of Object.entries(entries)) storeKey(data, secret, { name, key, origins })
        const read = openKeys(data, secret)
        for (const [name, key] of Object.entries(entries)) {
          expect(read(name, origin)).toBe(key)
          if (key.length > 12) expect(readFileSync(file(), 'utf8')).not.toContain(key)
        }
        expect(listKeys(data).map(({ name }) => name)).toEqual(Object.keys(entries).sort())
      }),
      { numRuns: sizeOf(2, 5) },
    )
  })

  test('are for the owner of the file alone', () => {
    storeKey(data, secret, { name: 'main', key: 'sk-1', origins })
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    expect(stored()).toMatchObject({ version: 1, keys: { main: { storedAt: expect.any(String) } } })
  })

  test('go to the origins that they were stored for, and to no other', () => {
    storeKey(data, secret, { name: 'main', key: 'sk-1', origins: [origin, 'http://10.0.0.7:8000'] })
    const read = openKeys(data, secret)
    expect([read('main', origin), read('main', 'http://10.0.0.7:8000')]).toEqual(['sk-1', 'sk-1'])
    for (const other of ['http://api.example', 'https://api.example:8443', 'https://evil.example', ''])
      expect(read('main', other), other).toEqual([origin, 'http://10.0.0.7:8000'])
    expect(listKeys(data)).toMatchObject([{ name: 'main', origins: [origin, 'http://10.0.0.7:8000'] }])
  })

  test('may be replaced and removed; removing needs no secret', () => {
    storeKey(data, secret, { name: 'main', key: 'sk-1', origins })
    storeKey(data, secret, { name: 'other', key: 'sk-2', origins })
    storeKey(data, secret, { name: 'main', key: 'sk-3', origins })
    expect(openKeys(data, secret)('main', origin)).toBe('sk-3')
    expect([removeKey(data, 'main'), removeKey(data, 'main'), removeKey(data, 'toString')]).toEqual([
      true,
      false,
      false,
    ])
    expect(listKeys(data).map(({ name }) => name)).toEqual(['other'])
    expect(openKeys(data, secret)('other', origin)).toBe('sk-2')
  })

  test('without a file there are none, and no secret is asked for', () => {
    expect(openKeys(data, undefined)('main', origin)).toBeUndefined()
    expect(listKeys(data)).toEqual([])
  })

  test('the same key is never sealed the same way twice', () => {
    storeKey(data, secret, { name: 'a', key: 'sk-1', origins })
    const before = stored().keys.a
    storeKey(data, secret, { name: 'a', key: 'sk-1', origins })
    expect(stored().keys.a.nonce).not.toBe(before.nonce)
    expect(stored().keys.a.text).not.toBe(before.text)
  })
})

describe('stored keys that cannot be opened', () => {
  let text: string
  beforeAll(() => {
    const made = mkdtempSync(path.join(tmpdir(), 'quillwork-keys-'))
    storeKey(made, secret, { name: 'main', key: 'sk-s3cret', origins })
    storeKey(made, secret, { name: 'other', key: 'sk-0ther', origins })
    text = readFileSync(path.join(made, 'keys.json'), 'utf8')
    rmSync(made, { recursive: true })
  })
  beforeEach(() => writeFileSync(file(), text))

  test('another secret is told, and does not write', () => {
    const before = readFileSync(file(), 'utf8')
    const wrong = 'another-long-secret'
    expect(refusal(() => openKeys(data, wrong))).toMatch(/QUILLWORK_SECRET does not decrypt .*keys\.json/)
    expect(refusal(() => storeKey(data, wrong, { name: 'x', key: 'y', origins }))).toMatch(/does not decrypt/)
    expect(refusal(() => openKeys(data, undefined))).toMatch(/QUILLWORK_SECRET is not set/)
    expect(readFileSync(file(), 'utf8')).toBe(before)
  })

  test('a changed entry is found out, whichever byte it is; the others still open', () => {
    const whole = stored()
    const fields = fc.constantFrom('nonce', 'tag', 'text')
    fc.assert(
      fc.property(fields, fc.nat(), fc.integer({ min: 1, max: 255 }), (field, place, flip) => {
        const bytes = Buffer.from(whole.keys.main[field], 'base64')
        bytes[place % bytes.length] = (bytes[place % bytes.length] ?? 0) ^ flip
        const main = { ...whole.keys.main, [field]: bytes.toString('base64') }
        writeFileSync(file(), JSON.stringify({ ...whole, keys: { ...whole.keys, main } }))
        const read = openKeys(data, secret)
        const said = refusal(() => read('main', origin))
        expect(said).toMatch(/was changed after it was stored.*key set main/)
        expect(said).not.toContain('s3cret')
        expect(read('other', origin)).toBe('sk-0ther')
      }),
      { numRuns: sizeOf(3, 8) },
    )
  })

  test('an entry under the name of another one does not open', () => {
    const whole = stored()
    const swapped = { main: whole.keys.other, other: whole.keys.main }
    writeFileSync(file(), JSON.stringify({ ...whole, keys: swapped }))
    expect(refusal(() => openKeys(data, secret)('main', origin))).toMatch(/was changed/)
  })

  test('an entry whose origins were changed does not open', () => {
    const whole = stored()
    whole.keys.main.origins = ['https://evil.example']
    writeFileSync(file(), JSON.stringify(whole))
    expect(refusal(() => openKeys(data, secret)('main', 'https://evil.example'))).toMatch(/was changed/)
  })

  test('an entry of an earlier version, which has no origins, goes nowhere', () => {
    const whole = stored()
    delete whole.keys.main.origins
    writeFileSync(file(), JSON.stringify(whole))
    expect(openKeys(data, secret)('main', origin)).toEqual([])
  })

  test('a shortened tag does not open', () => {
    const whole = stored()
    whole.keys.main.tag = Buffer.from(whole.keys.main.tag, 'base64').subarray(0, 4).toString('base64')
    writeFileSync(file(), JSON.stringify(whole))
    expect(refusal(() => openKeys(data, secret)('main', origin))).toMatch(/was changed/)
  })

  test.each(['', '{', '[]', '{"version":2,"keys":{}}', 'null'])('a file with %j is told', other => {
    writeFileSync(file(), other)
    expect(refusal(() => openKeys(data, secret))).toMatch(/not a key file that this version reads/)
    expect(refusal(() => storeKey(data, secret, { name: 'x', key: 'y', origins }))).toMatch(/not a key file/)
    expect(readFileSync(file(), 'utf8')).toBe(other)
  })
})
