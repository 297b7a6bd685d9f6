import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type ArchivedFile, zipOf } from '../../../src/novel/export/chapter-files.ts'
import { Archive } from '../../../src/novel/import/archive.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'

const changedAt = Date.UTC(2026, 0, 1)

function file(name: string, ...pieces: string[]): ArchivedFile {
  return {
    name,
    async *content() {
      for (const piece of pieces) yield Buffer.from(piece)
    },
  }
}

describe('an archive of chapters', () => {
  test('has every file under its name, in any script', async () => {
    const files = [
      file('001 渡口.txt', '第一', '章'),
      file('002 empty.txt'),
      file('003 long.txt', ...Array.from({ length: 300 }, (_, at) => `${at} `.repeat(1_000))),
    ]
    const archive = await Archive.open(bytesSource(await buffer(zipOf(files, changedAt))))
    expect([...archive.names]).toEqual(files.map(({ name }) => name))
    for (const { name, content } of files)
      expect(await text(Readable.from(archive.read(name)))).toBe(await text(Readable.from(content())))
  })

  test('is the same of the same files, and asks for each when its turn comes', async () => {
    const asked: string[] = []
    const noted = (each: ArchivedFile): ArchivedFile => ({
      name: each.name,
      content() {
        asked.push(each.name)
        return each.content()
      },
    })
    const files = [file('a', 'one'), file('b', 'two')].map(noted)
    const [one, other] = [await buffer(zipOf(files, changedAt)), await buffer(zipOf(files, changedAt))]
    expect(one.equals(other)).toBe(true)
    expect(asked).toEqual(['a', 'b', 'a', 'b'])
  })

  test('breaks off with what breaks off a file', { timeout: 10_000 }, async () => {
    const broken: ArchivedFile = {
      name: 'b',
      async *content() {
        yield Buffer.from('half')
        throw new Error('The novel is gone.')
      },
    }
    await expect(buffer(zipOf([file('a', 'one'), broken], changedAt))).rejects.toThrow('The novel is gone.')
  })

  test('reads no further when nobody wants more', { timeout: 10_000 }, async () => {
    let end: () => void = () => undefined
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    const endless: ArchivedFile = {
      name: 'a',
      async *content() {
        try {
          for (;;) yield randomBytes(65_536)
        } finally {
          end()
        }
      },
    }
    let pieces = 0
    for await (const _ of zipOf([endless], changedAt)) if (++pieces === 5) break
    await ended
  })
})
