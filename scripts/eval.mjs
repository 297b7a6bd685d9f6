// Prints how good the summaries and the search are, on a real novel: `npm run build && npm run eval`.
// Models of the configuration are measured too: `npm run eval -- --embedding ID --model ID [--chapters 12]`.
// Ends with 1 where a figure is below its bar. Skips where ../shared/data is missing.
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: asked } = parseArgs({
  options: {
    /** Id of an embedding model: the search by words and vectors is measured with it. */
    embedding: { type: 'string' },
    /** Id of a model that summarises, and how many chapters, spread over the book, it is asked to summarise. */
    model: { type: 'string' },
    chapters: { type: 'string', default: '12' },
  },
})

const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))
const book = at('../shared/data/sanguo-yanyi.txt')

if (!existsSync(at('dist/ai/extractive/extractive.js'))) {
  console.error('eval: dist/ is missing. Run `npm run build` first.')
  process.exit(1)
}
if (!existsSync(book)) {
  console.warn(`eval: SKIPPED. There is no ${book}, so nothing was measured.`)
  process.exit(0)
}

const { extractiveModel } = await import('../dist/ai/extractive/extractive.js')
const { splitSentences } = await import('../dist/ai/text/sentences.js')
const { buildSegment } = await import('../dist/novel/search/segment.js')
const { memoryPostings } = await import('../dist/novel/search/postings.js')
const { searchIndex } = await import('../dist/novel/search/search.js')
const { splitPassages } = await import('../dist/novel/search/passages.js')
const { Closest, encodeVectors } = await import('../dist/novel/search/vectors.js')
const { fuseRanks } = await import('../dist/novel/search/fuse.js')
const { textBatches } = await import('../dist/novel/models/embed-texts.js')

/** The models of the configuration, as the server has them. */
async function catalogue() {
  const { resolveConfig } = await import('../dist/server/config.js')
  const { createModels } = await import('../dist/server/models.js')
  return createModels(resolveConfig().config)
}

/** Chapters of the book, the heading apart from the text. */
function readChapters() {
  const chapters = []
  for (const line of readFileSync(book, 'utf8').split('\n')) {
    const heading = /^第\S+回\s*(.*)$/u.exec(line)
    if (heading) chapters.push({ title: heading[1].trim(), text: '' })
    else if (chapters.length > 0) chapters[chapters.length - 1].text += `${line}\n`
  }
  return chapters
}

/** Pairs of neighbouring characters, none across a space or a mark. */
function pairs(text) {
  const found = new Set()
  for (const run of text.match(/\p{Script=Han}+/gu) ?? []) {
    for (let i = 0; i + 1 < run.length; i += 1) found.add(run.slice(i, i + 2))
  }
  return found
}

/** Share of the pairs of a title that stand in a summary. */
function recall(title, summary) {
  const wanted = [...pairs(title)]
  const given = pairs(summary)
  return wanted.filter(pair => given.has(pair)).length / wanted.length
}

function leadOf(text, length) {
  let end = 0
  for (const sentence of splitSentences(text)) {
    if (sentence.end > length) break
    end = sentence.end
  }
  return text.slice(0, end)
}

async function summaries(name, chapters, summarise) {
  const started = performance.now()
  let sum = 0
  let characters = 0
  for (const { title, text } of chapters) {
    const summary = await summarise(text)
    sum += recall(title, summary)
    characters += summary.length
  }
  return {
    summaries: name,
    'title recall %': Number(((100 * sum) / chapters.length).toFixed(2)),
    characters: Math.round(characters / chapters.length),
    'ms per chapter': Number(((performance.now() - started) / chapters.length).toFixed(1)),
  }
}

/** Indexes the text of all chapters, without headings, twelve chapters a segment. */
async function indexOf(chapters) {
  const segments = []
  const chapterOf = []
  const texts = []
  for (let first = 0; first < chapters.length; first += 12) {
    const passages = []
    for (const [place, { text }] of chapters.slice(first, first + 12).entries()) {
      for (const { start, end } of splitPassages(text)) {
        passages.push({ id: chapterOf.length, text: text.slice(start, end) })
        chapterOf.push(first + place + 1)
        texts.push(text.slice(start, end))
      }
    }
    segments.push(await buildSegment(passages))
  }
  return { store: memoryPostings(segments), chapterOf, texts }
}

/** Vectors are kept as they come: a run that was interrupted goes on, and a second one asks for none. */
async function vectorsOf(model, texts) {
  const name = createHash('sha256')
    .update(JSON.stringify([model.space, model.dimensions, texts]))
    .digest('hex')
  const file = path.join(at('node_modules/.cache/quillwork'), `eval-${name.slice(0, 16)}.vectors`)
  mkdirSync(path.dirname(file), { recursive: true })
  let done = existsSync(file) ? readFileSync(file).length / (model.dimensions * 4) : 0
  const started = performance.now()
  for (const batch of textBatches(model, texts.slice(done))) {
    const { vectors } = await model.embed(batch.texts)
    appendFileSync(file, encodeVectors(vectors))
    done += vectors.length
    const seconds = Math.round((performance.now() - started) / 1_000)
    process.stderr.write(`vectors: ${done} of ${texts.length} after ${seconds} s\n`)
  }
  return readFileSync(file)
}

/** How the index is asked: by words, by vectors, or by both, as the product does it. */
function finders({ store }, model, vectors) {
  const words = (query, limit) => searchIndex(store, query, { limit })
  const close = async (query, limit) => {
    const [vector] = (await model.embed([query], { purpose: 'query' })).vectors
    const closest = new Closest(vector, limit)
    closest.add(0, vectors)
    return closest.found
  }
  const both = async (query, limit) =>
    fuseRanks([await words(query, 100), await close(query, 100)]).slice(0, limit)
  return { words, close, both }
}

async function searches(name, { find, chapterOf }, queries) {
  const started = performance.now()
  const hits = { 'hit@1': 0, 'hit@5': 0 }
  for (const { query, chapters } of queries) {
    const found = (await find(query, 5)).map(hit => chapterOf[hit.passageId])
    if (chapters.includes(found[0])) hits['hit@1'] += 1
    if (found.some(chapter => chapters.includes(chapter))) hits['hit@5'] += 1
    else if (queries.length <= 20)
      console.log(`${name}: not in the first five: ${query} (found chapters ${found.join(', ')})`)
  }
  const ms = Number(((performance.now() - started) / queries.length).toFixed(1))
  return { search: name, queries: queries.length, ...hits, 'ms per query': ms }
}

const chapters = readChapters()
const model = extractiveModel()
const extractive = await summaries(
  'extractive model',
  chapters,
  async text => (await model.summarise({ text })).summary,
)
const measured = [await summaries('lead sentences', chapters, async text => leadOf(text, 165)), extractive]
if (asked.model !== undefined) measured.push(...(await generative(asked.model)))
console.table(measured)

/** A model that is asked for a summary as GenerateSummary asks it, beside the extractive one on the same chapters. */
async function generative(id) {
  const { kind, model: writer } = (await catalogue()).summarizer(id)
  if (kind !== 'generative') throw new Error(`${id} is not a model that writes.`)
  const { summariseText } = await import('../dist/novel/models/summarise-text.js')
  const step = chapters.length / Number(asked.chapters)
  const some = Array.from({ length: Number(asked.chapters) }, (_, n) => chapters[Math.floor(n * step)])
  const free = { commit() {}, release() {} }
  // No engine, so no limits, no budget, and nothing that is kept.
  const ctx = {
    services: {},
    attempt: 1,
    signal: new AbortController().signal,
    acquire: async () => free,
    reserve: async () => free,
    checkpoint: async (_, run) => run(),
    addUsage: async () => undefined,
    logInfo: () => undefined,
  }
  const wanted = { language: 'zh', maxCharacters: 160, subject: 'eval' }
  const written = async text => (await summariseText(ctx, writer, { ...wanted, text })).summary
  const quoted = async text => (await model.summarise({ text })).summary
  return [
    await summaries(`extractive model, ${some.length} chapters`, some, quoted),
    await summaries(`${id}, ${some.length} chapters`, some, written),
  ]
}

const started = performance.now()
const index = await indexOf(chapters)
const { chapterOf } = index
console.log(`index: ${chapterOf.length} passages in ${Math.round(performance.now() - started)} ms`)
const named = JSON.parse(readFileSync(at('test/novel/search/sanguo-queries.json'), 'utf8'))
const titles = chapters.flatMap(({ title }, place) =>
  title.split(/\s+/u).map(query => ({ query, chapters: [place + 1] })),
)
const { words } = finders(index)
const events = await searches('words: 12 events', { find: words, chapterOf }, named)
const rows = [
  events,
  await searches('words: halves of the chapter titles', { find: words, chapterOf }, titles),
]
const below = []
if (asked.embedding !== undefined) {
  const embedder = (await catalogue()).embeddingModel(asked.embedding)
  const { close, both } = finders(index, embedder, await vectorsOf(embedder, index.texts))
  rows.push(await searches(`vectors of ${asked.embedding}: 12 events`, { find: close, chapterOf }, named))
  const joined = await searches(`both (hybrid): 12 events`, { find: both, chapterOf }, named)
  rows.push(joined, await searches('both (hybrid): halves of titles', { find: both, chapterOf }, titles))
  if (joined['hit@5'] < 11) below.push('hit@5 of the hybrid search below 11 of 12')
}
console.table(rows)

if (extractive['title recall %'] < 14) below.push('title recall below 14 %')
if (events['hit@5'] < 11) below.push('hit@5 below 11 of 12')
if (below.length > 0) {
  console.error(`eval: ${below.join('; ')}`)
  process.exit(1)
}
