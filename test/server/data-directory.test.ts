import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Announcement,
  announce,
  announced,
  ensureToken,
  isAlive,
  makeDataDirectory,
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
}

describe('the token of a data directory', () => {
  test('is made once, of 256 bits, for its owner alone', () => {
    expect(readToken(data)).toBeUndefined()
    const token = ensureToken(data)
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect([ensureToken(data), readToken(data)]).toEqual([token, token])
    expect(readdirSync(data)).toEqual(['token'])
    expect(statSync(placesOf(data).token).mode & 0o777).toBe(0o600)
    rmSync(placesOf(data).token)
    expect(ensureToken(data)).not.toBe(token)
  })

  test.each(['', 'short', `${'a'.repeat(43)} ${'b'.repeat(43)}`])('is not what reads %j', text => {
    writeFileSync(placesOf(data).token, text)
    expect(() => ensureToken(data)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('Remove it') }),
    )
  })

  test('proves a server by nonce and address, and by nothing else', () => {
    const asked = { url: 'http://127.0.0.1:7420', nonce: 'n' }
    const [one, other] = [ensureToken(data), 'b'.repeat(43)]
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
    withdraw(data, 'node-0')
    expect(announced(data)).toEqual(announcement)
    withdraw(data, 'node-1')
    expect(announced(data)).toBeUndefined()
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
