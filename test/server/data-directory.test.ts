import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Announcement,
  announce,
  announced,
  isAlive,
  keepToken,
  makeDataDirectory,
  newToken,
  placesOf,
  proofOf,
  readToken,
  withdraw,
} from '../../src/server/data-directory.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'quillwork-data-'))
})
afterEach(() => rmSync(data, { recursive: true }))

const announcement: Announcement = {
  url: 'http://127.0.0.1:7420',
  pid: process.pid,
  startedAt: '2026-03-01T00:00:00.000Z',
  nodeId: 'node-1',
  command: 'quillwork serve',
  needsToken: true,
}

describe('the token of a server', () => {
  test('is new for each, of 256 bits, and kept for its user alone', () => {
    expect(readToken(data)).toBeUndefined()
    const [token, next] = [newToken(), newToken()]
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect(next).not.toBe(token)
    for (const each of [token, next]) {
      keepToken(data, each)
      expect(readToken(data)).toBe(each)
    }
    const { token: file } = placesOf(data)
    expect(readdirSync(data)).toEqual([path.basename(file)])
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test.each(['', 'short', `${'a'.repeat(43)} ${'b'.repeat(43)}`])('is not what reads %j', text => {
    writeFileSync(placesOf(data).token, text)
    expect(readToken(data)).toBeUndefined()
  })

  test('is not written through a link, and a folder that cannot be written says so', () => {
    const target = path.join(data, 'target')
    writeFileSync(target, 'as it was')
    symlinkSync(target, placesOf(data).token)
    keepToken(data, newToken())
    expect(readFileSync(target, 'utf8')).toBe('as it was')
    expect(() => keepToken(path.join(data, 'none'), newToken())).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })

  test('proves a server by nonce and address, and by nothing else', () => {
    const asked = { url: 'http://127.0.0.1:7420', nonce: 'n' }
    const [one, other] = [newToken(), newToken()]
    const proofs = [
      proofOf(one, asked),
      proofOf(other, asked),
      proofOf(one, { ...asked, nonce: 'm' }),
      proofOf(one, { ...asked, url: 'http://127.0.0.1:7421' }),
    ]
    expect(new Set(proofs).size).toBe(4)
    expect(proofOf(one, { ...asked })).toBe(proofs[0])
  })
})

describe('the announcement of a server', () => {
  test('is read back, by its owner alone, and leaves nothing beside it', () => {
    announce(data, announcement)
    expect(announced(data)).toEqual(announcement)
    expect(readdirSync(data)).toEqual(['server.json'])
    expect(statSync(placesOf(data).announcement).mode & 0o777).toBe(0o600)
  })

  test('is not written through a link in the place of the file that becomes it', () => {
    const target = path.join(data, 'target')
    writeFileSync(target, 'as it was')
    symlinkSync(target, `${placesOf(data).announcement}.${process.pid}`)
    announce(data, announcement)
    expect(announced(data)).toEqual(announcement)
    expect(readFileSync(target, 'utf8')).toBe('as it was')
  })

  test('is taken away by the start that made it, not by an earlier one', () => {
    announce(data, announcement)
    keepToken(data, newToken())
    withdraw(data, 'node-0')
    expect(announced(data)).toEqual(announcement)
    withdraw(data, 'node-1')
    expect(announced(data)).toBeUndefined()
    expect(readdirSync(data)).toEqual([])
  })

  test.each(['', '{', '{}', '[]', '{"url": "nowhere", "pid": 0}'])('that reads %j is none', text => {
    writeFileSync(placesOf(data).announcement, text)
    expect(announced(data)).toBeUndefined()
  })
})

describe('the data directory', () => {
  test('is made with the folders above it, for its owner alone', () => {
    const folder = path.join(data, 'a', 'b')
    makeDataDirectory(folder)
    makeDataDirectory(folder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('that cannot be made is a mistake of the configuration', () => {
    writeFileSync(path.join(data, 'file'), '')
    expect(() => makeDataDirectory(path.join(data, 'file', 'x'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

test('a process that has ended is not alive', () => {
  const { pid } = spawnSync(process.execPath, ['-e', ''])
  expect(isAlive(process.pid)).toBe(true)
  expect(isAlive(pid)).toBe(false)
})

test('the page that says how to move a data directory moves all that lasts in it', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
  const moved = /&& mv (.+) quillwork\/ /
    .exec(page)?.[1]
    ?.split(' ')
    .map(name => name.replace('*', ''))
  const { announcement, token, page: leading, ...lasting } = placesOf('')
  expect(moved?.sort()).toEqual(Object.values(lasting).sort())
})
