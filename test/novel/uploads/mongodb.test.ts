import { mongodbUploads } from 'quillwork/novel'
import { expect, test } from 'vitest'
import { type OpenableDatabase, openDatabase } from '../../../src/store/mongodb/database.ts'
import { type StoreFaults, UnknownOutcome } from '../../../src/store/mongodb/failures.ts'
import { describeWithMongo, freshDatabase } from '../../servers/mongo.ts'
import { type FilesUnderTest, filesCases } from './cases.ts'

class MongoUnderTest implements FilesUnderTest, AsyncDisposable {
  readonly #fresh = freshDatabase()
  readonly #databases: OpenableDatabase[] = []
  /** What goes wrong in the process that writes. */
  readonly faults: StoreFaults = {}
  readonly files = this.#open(this.faults)
  readonly elsewhere = this.#open({})

  #open(faults: StoreFaults) {
    const database = openDatabase({ url: this.#fresh.url, faults })
    this.#databases.push(database)
    return mongodbUploads(database)
  }

  get #database(): OpenableDatabase {
    const [database] = this.#databases
    if (database === undefined) throw new Error('There is no database.')
    return database
  }

  async open() {
    for (const database of this.#databases) await database.open()
  }

  readonly left = async () => {
    const ids: string[] = []
    for (const name of ['upload_files', 'upload_chunks'])
      for await (const { _id } of this.#database.collection<{ _id: string }>(name).find().sort({ _id: 1 }))
        ids.push(_id)
    return ids
  }

  readonly damage = async (location: string) => {
    await this.#database.collection<{ _id: string }>('upload_chunks').deleteOne({ _id: `${location}/1` })
  }

  readonly dieWhileWriting = async () => {
    const began = await this.left()
    const dead = openDatabase({ url: this.#fresh.url })
    const dying = mongodbUploads(dead).write(
      (async function* () {
        yield Buffer.alloc(600_000)
        await dead.close()
        yield Buffer.alloc(600_000)
      })(),
    )
    await expect(dying).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect((await this.left()).length).toBe(began.length + 3)
  }

  async [Symbol.asyncDispose]() {
    for (const database of this.#databases) await database.close()
    await this.#fresh[Symbol.asyncDispose]()
  }
}

async function underTest(): Promise<MongoUnderTest> {
  const under = new MongoUnderTest()
  await under.open()
  return under
}

describeWithMongo('uploads in MongoDB', () => {
  for (const { name, run } of filesCases) {
    test(name, async () => {
      await using under = await underTest()
      await run(under)
    })
  }

  test('operations whose outcome is unknown are sent again, and the file is whole', async () => {
    await using under = await underTest()
    const unsure = new Map<string, number>()
    under.faults.after = operation => {
      const times = (unsure.get(operation) ?? 0) + 1
      unsure.set(operation, times)
      if (times === 1) throw new UnknownOutcome('the answer was lost')
    }
    const text = 'All at sea. '.repeat(50_000)
    const { location } = await under.files.write(
      (async function* () {
        yield Buffer.from(text)
      })(),
    )
    expect([...unsure.keys()]).toEqual(['begin upload', 'write upload', 'finish upload'])
    const source = await under.elsewhere.open(location, 'a.txt')
    const read: Uint8Array[] = []
    for await (const piece of source?.read() ?? []) read.push(piece)
    expect(Buffer.concat(read).toString()).toBe(text)
    expect(await under.left()).toHaveLength(4)
  })

  test('an upload whose clean-up removed it while it was written is refused, and leaves nothing', async () => {
    await using under = await underTest()
    const slow = under.files.write(
      (async function* () {
        yield Buffer.alloc(300_000)
        await under.elsewhere.removeUnfinished(0)
      })(),
    )
    await expect(slow).rejects.toMatchObject({ code: 'TEXT_UNREADABLE' })
    expect(await under.left()).toEqual([])
  })
})
