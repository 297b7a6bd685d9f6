import {
  confirmUpload,
  deleteNovel,
  eraseNovel,
  mongodbUploads,
  mongoLibrary,
  type NovelServices,
  novelTasks,
  previewUpload,
  storeUpload,
  sweepUploads,
} from 'quillwork/novel'
import { createGate } from 'quillwork/testing'
import { expect, it } from 'vitest'
import { createModelCatalogue } from '../../src/ai/catalogue.ts'
import { extractiveModel } from '../../src/ai/extractive/extractive.ts'
import type { SummaryModel } from '../../src/ai/model.ts'
import { openDatabase } from '../../src/store/mongodb/database.ts'
import { liveStatuses, type TaskStatus } from '../../src/task/status.ts'
import type { TaskRecord } from '../../src/task/task.ts'
import { fourChapters } from '../novel/tasks/novel-engine.ts'
import { until } from '../servers/until.ts'
import { describeDistributed, type Installation, installation } from './installation.ts'

/** The services of one process, on a connection of its own. */
async function servicesOf(home: Installation, summariser: SummaryModel = extractiveModel()) {
  const database = openDatabase({ url: home.databaseUrl })
  const services: NovelServices = {
    library: mongoLibrary(database),
    models: createModelCatalogue({ summary: [summariser] }),
    uploads: mongodbUploads(database),
  }
  await database.open()
  return { services, [Symbol.asyncDispose]: () => database.close() }
}

async function* textOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

describeDistributed('uploads', () => {
  it('that one process receives are previewed by a second one and imported by a third', async () => {
    await using home = installation()
    await using receiving = await servicesOf(home)
    await using previewing = await servicesOf(home)
    await using importing = await servicesOf(home)
    const asked = { tasks: novelTasks, services: previewing.services, start: false }
    const client = await home.engine(asked as Parameters<Installation['engine']>[0])
    const run = { tasks: novelTasks, services: importing.services }
    await home.engine(run as Parameters<Installation['engine']>[0])
    const file = { userId: 'ann', fileName: 'book.txt', content: textOf(fourChapters) }
    const upload = await storeUpload(receiving.services, file)
    const preview = await previewUpload(previewing.services, { userId: 'ann', uploadId: upload.id })
    expect(preview.volumes.map(volume => volume.chapters.length)).toEqual([2, 2])
    const choice = { userId: 'ann', uploadId: upload.id, summarise: false }
    const { taskId, novelId } = await confirmUpload(client, previewing.services, choice)
    await until(async () => (await client.tasks.get(taskId)).status === 'COMPLETED', 'end of the import')
    const texts = await receiving.services.library.shelf.texts('ann', { novelId }, { pageSize: 100 })
    expect(texts.items).toHaveLength(8)
    expect(await sweepUploads(client, receiving.services)).toBe(0)
    expect(await receiving.services.uploads.open(upload.location, 'book.txt')).toBeDefined()
  })

  it('leave no dead letter where one process deletes the novel that another one summarises', async () => {
    const gate = createGate()
    const waiting: SummaryModel = {
      ...extractiveModel(),
      async summarise(asked, options) {
        await gate.opened
        return extractiveModel().summarise(asked, options)
      },
    }
    await using home = installation()
    await using asking = await servicesOf(home)
    await using importing = await servicesOf(home, waiting)
    const asked = { tasks: novelTasks, services: asking.services, start: false }
    const client = await home.engine(asked as Parameters<Installation['engine']>[0])
    const run = { tasks: novelTasks, services: importing.services, lanes: { batch: { slots: 3 } } }
    await home.engine(run as Parameters<Installation['engine']>[0])
    const file = { userId: 'ann', fileName: 'book.txt', content: textOf(fourChapters) }
    const { id: uploadId } = await storeUpload(asking.services, file)
    const { novelId } = await confirmUpload(client, asking.services, { userId: 'ann', uploadId })
    const ofStatus = async (...status: TaskStatus[]) =>
      (await client.tasks.list({ status }, { pageSize: 100 })).items
    const isSummary = ({ taskType }: TaskRecord) => taskType === 'GenerateSummary'
    await until(async () => (await ofStatus('RUNNING')).filter(isSummary).length === 3, 'three summaries')
    const { record } = await deleteNovel(client, asking.services, { userId: 'ann', novelId })
    await expect(asking.services.library.shelf.novel('ann', novelId)).rejects.toMatchObject({
      code: 'NOVEL_NOT_FOUND',
    })
    gate.open()
    await until(async () => (await ofStatus(...liveStatuses)).length === 0, 'end of all tasks')
    expect((await client.deadLetters.list({}, { pageSize: 100 })).items).toEqual([])
    const left = await client.tasks.list({}, { pageSize: 100 })
    expect(left.items.map(({ id }) => id)).toEqual([record.id])
    const { tasks, scenes, uploads } = (await (await client.find(eraseNovel, record.id))?.result()) ?? {}
    expect({ tasks, scenes, uploads }).toEqual({ tasks: 11, scenes: 8, uploads: 1 })
    expect(await asking.services.library.drafts.find(novelId)).toBeUndefined()
  })
})
