import { BSON, MongoClient } from 'mongodb'
import {
  confirmUpload,
  deleteNovel,
  deleteUser,
  eraseNovel,
  generateSummary,
  mongodbUploads,
  mongoLibrary,
  type NovelServices,
  novelTasks,
  storeUpload,
  vectorize,
} from 'quillwork/novel'
import { expect, it } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import { openDatabase } from '../../src/store/mongodb/database.ts'
import { liveStatuses } from '../../src/task/status.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, installation } from './installation.ts'

/** Every value of every collection, as text. */
async function dump(url: string): Promise<string> {
  const client = new MongoClient(url)
  try {
    const database = client.db()
    const texts: string[] = []
    for (const { name } of await database.listCollections({}, { nameOnly: true }).toArray())
      for await (const document of database.collection(name).find())
        texts.push(Buffer.from(BSON.serialize(document)).toString('latin1'))
    return texts.join('\n').toLowerCase()
  } finally {
    await client.close()
  }
}

const scene = (number: number) =>
  `In the year ${number} the lamps of Vellimere were lit again, and Osric Thandle counted them. He did not look back.`
const book = `The Quartz Heron\n\n${[1, 2, 3, 4].map(number => `Chapter ${number}\n\n${scene(number)}`).join('\n\n')}\n`
const words = ['quartz heron', 'vellimere', 'osric thandle', 'quillshade', 'heron.txt']

async function* textOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

describeDistributed('deleting a novel', () => {
  it.each(['the novel', 'all that its user has'])(
    'leaves no word of it in any collection: %s',
    async what => {
      await using home = installation()
      const database = openDatabase({ url: home.databaseUrl })
      const services: NovelServices = {
        library: mongoLibrary(database),
        models: createModelCatalogue({ summary: [extractiveModel()] }),
        uploads: mongodbUploads(database),
      }
      await database.open()
      try {
        const run = { tasks: novelTasks, services }
        const engine = await home.engine(run as Parameters<typeof home.engine>[0])
        const file = { userId: 'ann', fileName: 'heron.txt', content: textOf(book) }
        const { id: uploadId } = await storeUpload(services, file)
        const { novelId } = await confirmUpload(engine, services, { userId: 'ann', uploadId })
        const idle = async () =>
          (await engine.tasks.list({ status: liveStatuses }, { pageSize: 1 })).items.length === 0
        await until(idle, 'end of the import')
        const { items } = await services.library.shelf.texts('ann', { novelId }, { pageSize: 9 })
        for (const { id: sceneId, version } of items.slice(0, 2))
          await services.library.scenes.editScene('ann', {
            sceneId,
            expectedVersion: version,
            content: 'Vellimere is dark.',
          })
        await engine.submit(vectorize, { novelId }, { userId: 'ann' })
        await engine.submit(generateSummary, { novelId, sceneId: 'quillshade' }, { userId: 'ann' })
        await until(idle, 'end of the other tasks')
        expect((await engine.deadLetters.list({}, { pageSize: 9 })).items).toHaveLength(1)
        const before = await dump(home.databaseUrl)
        for (const word of words) expect(before, word).toContain(word)

        const asked = { userId: 'ann', novelId }
        const { record } =
          what === 'the novel'
            ? await deleteNovel(engine, services, asked)
            : await deleteUser(engine, { userId: 'ann' })
        const task = await engine.find(eraseNovel, record.id)
        expect(await task?.result()).toMatchObject({ tasks: 10, uploads: 1, chapters: 4, scenes: 4 })
        const after = await dump(home.databaseUrl)
        for (const word of words) expect(after, word).not.toContain(word)
      } finally {
        await database.close()
      }
    },
  )
})
