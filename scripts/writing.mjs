// What a model writes for scenes of the samples, measured without a judge; and how near to the requested length the product keeps answers that were recorded.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const samples = fileURLToPath(new URL('../samples/', import.meta.url))
const userId = 'eval'

/** Runs the tasks of novels with the models, for the time of some work. */
export async function withNovels(models, work) {
  const { createEngine } = await import('../dist/index.js')
  const novel = await import('../dist/novel/index.js')
  const { sqlite } = await import('../dist/store/sqlite/index.js')
  const folder = mkdtempSync(path.join(tmpdir(), 'quillwork-eval-'))
  const store = sqlite({ file: ':memory:' })
  const services = {
    library: novel.sqliteLibrary(store.database),
    models,
    uploads: novel.folderUploads(folder),
  }
  const limits = Object.fromEntries(models.models().flatMap(({ limit }) => (limit ? [[limit, {}]] : [])))
  const engine = await createEngine({
    ...{ tasks: novel.novelTasks, services, store, limits, lanes: { batch: { slots: 4 } } },
  })
  await engine.start()
  const result = async (type, parameters) => (await engine.submit(type, parameters, { userId })).result()
  const importSample = async name => {
    const asked = { folder: samples, name, userId }
    const { novelId, taskId } = await novel.importSample(engine, services, asked)
    await (await engine.find(novel.importNovel, taskId)).result()
    return novelId
  }
  try {
    return await work({ novel, services, userId, result, importSample })
  } finally {
    await engine.stop()
    rmSync(folder, { recursive: true })
  }
}

/** The score of LongWriter (arXiv 2408.07055): 100 at the requested length, 0 at four times or a third of it, linear in the ratio. */
export function lengthScore(length, requested) {
  const over = length > requested ? (length / requested - 1) / 3 : (requested / Math.max(1, length) - 1) / 2
  return 100 * Math.max(0, 1 - over)
}

/** Adds a scene to the first chapter of a novel and writes it. Returns the text that is offered, or the code of what it failed with as its fault. */
async function writeScene({ novel, services, result }, { novelId, summary, length, model }) {
  const { library } = services
  const { items } = await library.shelf.chapters(userId, { novelId }, { pageSize: 1 })
  const asked = { novelId, chapterId: items[0].id, summary, length, model, accept: 'by-author' }
  const written = await result(novel.generateScene, { ...asked, contextTokens: 600 }).catch(error => {
    const { code = 'INTERNAL' } = error.errorInfo ?? {}
    return { withoutText: { text: '', faults: [{ code }] } }
  })
  if (written.withoutText !== undefined) return written.withoutText
  const { sceneId, candidates } = written
  return library.candidates.candidate(userId, { sceneId, candidateId: candidates[0].candidateId })
}

/** The length of a text in the unit of a requested one, and that one. */
function sizesOf(text, length) {
  const size = 'words' in length ? text.match(/\S+/gu) : text.match(/[\p{L}\p{N}]/gu)
  return [size?.length ?? 0, length.words ?? length.characters]
}

/** A catalogue whose models pass on what is asked, and show what came. */
function listening(models, onAnswer) {
  const languageModel = (use, id) => {
    const model = models.languageModel(use, id)
    const write = async (request, options = {}) => {
      let came = ''
      const onText = stretch => {
        came += stretch
        options.onText?.(stretch)
      }
      try {
        return await model.write(request, { ...options, onText })
      } finally {
        if (came !== '') onAnswer(came)
      }
    }
    return Object.assign(Object.create(model), { write })
  }
  return { ...models, languageModel }
}

/**
 * Has a model write scenes of the samples from summaries by hand, with the codex that `books` have. Returns one row for each: how much is repeated, the length score,
 * unknown names, faults and marks; and what it was asked for with every answer as it came.
 */
export async function measureWriting({ models, id, books, count, words }) {
  const { mostRepeated, unitsOf } = await import('../dist/novel/checks/repetition.js')
  const { newCodexEntry } = await import('../dist/novel/codex/entry.js')
  let answers = []
  const heard = listening(models, text => answers.push(text))
  return withNovels(heard, async novels => {
    const rows = []
    const recorded = []
    for (const { sample, language, entries, scenes } of books) {
      const novelId = await novels.importSample(sample)
      const parsed = entries.map(({ id: entry, ...fields }) => ({
        ...{ id: `${sample}-${entry}`, fields: newCodexEntry.parse({ ...fields, relations: [] }) },
      }))
      await novels.services.library.codex.add(userId, novelId, parsed)
      const isChinese = language === 'zh'
      const length = isChinese ? { characters: words * 2 } : { words }
      // Those behind the ends of the samples, which no text of theirs tells.
      for (const { summary } of scenes.slice(13, 13 + count)) {
        answers = []
        const written = await writeScene(novels, { novelId, summary, length, model: id })
        const { text, faults = [], marks = [] } = written
        const [size, requested] = sizesOf(text, length)
        const unknown = marks.find(({ code }) => code === 'UNKNOWN_NAMES')?.figure ?? 0
        rows.push({
          ...{ sample, scene: summary.slice(0, 30), answers: answers.length, length: size },
          rep: Number(mostRepeated(unitsOf(text), isChinese ? 'cjk' : 'spaced').share.toFixed(2)),
          score: Math.round(lengthScore(size, requested)),
          unknown,
          faults: faults.map(({ code }) => code).join(' '),
          marks: marks.map(({ code }) => code).join(' '),
        })
        recorded.push({ sample, summary, length, answers })
      }
    }
    return { rows, recorded }
  })
}

/** Replays recorded answers: returns the mean length score of the answers as they came, and of the texts that the product makes of them. */
export async function measureLengths(recorded) {
  const { createModelCatalogue } = await import('../dist/ai/catalogue.js')
  const { extractiveModel } = await import('../dist/ai/extractive/extractive.js')
  const { limitKeyOf } = await import('../dist/ai/providers/config.js')
  const uses = ['prose']
  const config = { provider: 'openai-compatible', model: 'recorded', uses, account: 'eval', fallbacks: [] }
  let left = []
  const model = {
    ...{
      id: 'recorded',
      limit: limitKeyOf(config),
      contextTokens: 16_000,
      maxOutputTokens: 8_000,
      fallbacks: [],
    },
    thinkingTokens: 0,
    countTokens: text => Math.ceil(text.length / 4),
    costOf: () => undefined,
    async write(_, { onText } = {}) {
      const text = left.length > 1 ? left.shift() : left[0]
      onText?.(text)
      const usage = { model: 'recorded', inputTokens: 1, outputTokens: 1 }
      return { text, finishReason: 'stop', usage, parameters: { maxOutputTokens: 1 } }
    },
  }
  const models = createModelCatalogue({
    summary: [extractiveModel()],
    configured: [{ id: 'recorded', config }],
    open: { language: () => model },
  })
  return withNovels(models, async novels => {
    const sums = { answers: 0, raw: 0, kept: 0 }
    const novelIds = new Map()
    for (const { sample, summary, length, answers } of recorded) {
      const novelId = novelIds.get(sample) ?? (await novels.importSample(sample))
      novelIds.set(sample, novelId)
      left = [...answers]
      const { text } = await writeScene(novels, { novelId, summary, length, model: 'recorded' })
      sums.answers += 1
      sums.raw += lengthScore(...sizesOf(answers[0], length))
      sums.kept += lengthScore(...sizesOf(text, length))
    }
    const mean = sum => Math.round(sum / sums.answers)
    return { answers: sums.answers, raw: mean(sums.raw), kept: mean(sums.kept) }
  })
}
