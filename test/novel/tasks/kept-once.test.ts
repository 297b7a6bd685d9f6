import type { Db } from 'mongodb'
import { generateScene } from 'quillwork/novel'
import { expect, it } from 'vitest'
import type { OpenableDatabase } from '../../../src/store/mongodb/database.ts'
import type { DatabaseFile } from '../../../src/store/sqlite/database.ts'
import { textFor } from '../../models/texts.ts'
import { ann, describeWriting, type Writing } from '../../models/writing.ts'

/** 6,000 characters. */
const sentences = Array.from({ length: 100 }, (_, index) =>
  `Wave ${100 + index} and ${textFor(`${index}`, 1)}`.slice(0, 50).padEnd(59, '!'),
)
const text = sentences.join(' ')

/** All that is stored, a row or a document each. */
async function rowsOf({ t }: Writing): Promise<string[]> {
  const { database, kind } = t.store as unknown as { database: unknown; kind: string }
  return kind === 'sqlite'
    ? rowsOfFile(database as DatabaseFile)
    : rowsOfDb((database as OpenableDatabase).db)
}

function rowsOfFile(file: DatabaseFile): Promise<string[]> {
  return file.read(db => {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[]
    return tables.flatMap(table =>
      db
        .prepare(`SELECT * FROM "${table}"`)
        .all()
        .map(row => JSON.stringify(row)),
    )
  })
}

async function rowsOfDb(db: Db): Promise<string[]> {
  const collections = await db.collections()
  const documents = await Promise.all(collections.map(collection => collection.find().toArray()))
  return documents.flat().map(document => JSON.stringify(document))
}

/** How often the text is stored, and the characters of all that is. */
async function stored(w: Writing): Promise<{ times: number; characters: number }> {
  const all = (await rowsOf(w)).join('\n')
  const found = sentences.reduce((sum, sentence) => sum + all.split(sentence).length - 1, 0)
  return { times: found / sentences.length, characters: all.length }
}

describeWriting('the text of a scene that a model has written', open => {
  it('is stored once: in the novel', async () => {
    await using w = await open({ models: { prose: { contextTokens: 16_000, maxOutputTokens: 8_000 } } })
    expect(text.length + 1).toBe(6_000)
    w.server.script.add({ answer: { is: 'text', text } })
    const novelId = await w.novel()
    const [scene] = await w.scenes(novelId)
    const sceneId = scene?.id ?? ''
    const asked = {
      novelId,
      sceneId,
      summary: 'A flood.',
      length: { words: 1_000 },
      accept: 'automatically',
    } as const
    const task = await w.t.submit(generateScene, asked, { userId: ann })
    await w.t.drain()
    await task.result()
    const atFirst = await stored(w)
    await w.t.advance('6s')
    const withoutCheckpoints = await stored(w)
    await w.t.jump('10m')
    await w.t.advance('6s')
    const inTheEnd = await stored(w)
    expect([atFirst, withoutCheckpoints, inTheEnd].map(({ times }) => times)).toEqual([3, 2, 1])
    expect(atFirst.characters - inTheEnd.characters).toBeGreaterThan(12_000)
    expect((await w.scene(sceneId)).content).toBe(text)
  })
})
