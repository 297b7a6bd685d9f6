// Prints how good the summaries and the search are, and how rarely the checks of prose are wrong, on real novels: `npm run build && npm run eval`.
// Models of the configuration are measured too: `npm run eval -- --embedding ID --model ID [--chapters 12] --prose ID [--scenes 6] [--words 150]`.
// Ends with 1 where a figure is below its bar. Skips where ../shared/data is missing.
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { leakOf } from './leak.mjs'
import { selectionOf } from './selection.mjs'
import { measureLengths, measureWriting, withNovels } from './writing.mjs'

const { values: asked } = parseArgs({
  options: {
    /** Id of an embedding model: the search by words and vectors is measured with it. */
    embedding: { type: 'string' },
    /** Id of a model that summarises, and how many chapters, spread over the book, it is asked to summarise. */
    model: { type: 'string' },
    chapters: { type: 'string', default: '12' },
    /** Id of a model that writes prose, how many scenes of each sample it writes, and of how many words; and a file that its answers are written to. */
    prose: { type: 'string' },
    scenes: { type: 'string', default: '6' },
    words: { type: 'string', default: '150' },
    record: { type: 'string' },
  },
})

const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))
const book = at('../shared/data/sanguo-yanyi.txt')

if (!existsSync(at('dist/ai/extractive/extractive.js'))) {
  console.error('eval: dist/ is missing. Run `npm run build` first.')
  process.exit(1)
}
await measureNames()
await measurePrompts()
await measureFindings()
await measureSelection()
if (asked.prose !== undefined) await measureProse()
await measureKeptLengths()
if (!existsSync(book)) {
  console.warn(`eval: SKIPPED. There is no ${book}, so nothing was measured.`)
  process.exit()
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
const { checkProse } = await import('../dist/novel/checks/check-prose.js')
const { mostRepeated, mostShared, unitsOf } = await import('../dist/novel/checks/repetition.js')

/** The people and the places of the samples, listed by hand: each by the names that the text has for it. */
function namedIn(sample) {
  const lists = {
    'the-salt-ledger': {
      people: [
        ['Berit', 'Berit Hask', 'Miss Hask'],
        ['Pell', 'Mr. Pell', 'Matthew Pell'],
        ['Joss', 'Joss Tully', 'Tully'],
        ['Ada', 'Ada Renn'],
        ['Mr. Loxley'],
        ['Thomas Renn'],
      ],
      places: [['Anderby Pans'], ['Hollow Point'], ['Marram'], ['Teeth']],
    },
    'the-ferry-clock': {
      people: [['沈禾'], ['陆川', '陆师傅'], ['杜梅'], ['周衡']],
      places: [['白鹭渡'], ['钟楼']],
    },
  }
  return lists[sample]
}

/** Prints how many of the names that are found are right, and how many of those in the text are found; headings are no text of a scene. */
async function measureNames() {
  const { findNames } = await import('../dist/novel/names.js')
  const { mergedNames } = await import('../dist/novel/codex/proposals.js')
  const bars = { people: { right: 0.9, found: 0.8 }, places: { right: 0.9, found: 0.6 } }
  for (const kind of ['people', 'places']) {
    const counts = { listed: 0, known: 0, given: 0, right: 0, several: 0, merged: 0, mixed: 0 }
    for (const sample of ['the-salt-ledger', 'the-ferry-clock']) {
      const lines = readFileSync(at(`samples/${sample}.txt`), 'utf8').split('\n')
      const text = lines
        .filter(line => !/^(?:Part |Chapter |第\S+[卷章] )/u.test(line))
        .slice(1)
        .join('\n')
      const given = findNames([text])[kind]
      const listed = namedIn(sample)[kind]
      counts.listed += listed.length
      counts.known += listed.filter(forms => forms.some(form => given.includes(form))).length
      counts.given += given.length
      counts.right += given.filter(name => listed.some(forms => forms.includes(name))).length
      const proposed = mergedNames(given.map(name => ({ name, kind })))
      for (const forms of listed) {
        const found = given.filter(name => forms.includes(name))
        if (found.length < 2) continue
        counts.several += 1
        const isOne = ({ name, aliases }) => found.every(form => [name, ...aliases].includes(form))
        if (proposed.some(isOne)) counts.merged += 1
      }
      const isMixed = ({ name, aliases }) =>
        aliases.some(alias => !listed.some(forms => forms.includes(name) && forms.includes(alias)))
      counts.mixed += proposed.filter(isMixed).length
    }
    const [right, found] = [counts.right / counts.given, counts.known / counts.listed]
    console.log(
      `names, ${kind}: ${counts.right} of ${counts.given} right, ${counts.known} of ${counts.listed} found, ` +
        `${counts.merged} of ${counts.several} with several names are one proposal, ${counts.mixed} proposals mix several`,
    )
    const isBelow = right < bars[kind].right || found < bars[kind].found || counts.mixed > 0
    if (isBelow) process.exitCode = 1
  }
}

/**
 * Prints what of later scenes of the samples is in the prompts of earlier ones: nothing may be. And how much of the prompt of a scene is byte-equal to the
 * beginning of the one before, as a provider can keep it.
 */
async function measurePrompts() {
  const { createModelCatalogue } = await import('../dist/ai/catalogue.js')
  const { extractiveModel: quoting } = await import('../dist/ai/extractive/extractive.js')
  const { fitMaterial } = await import('../dist/novel/models/context.js')
  const { readMaterial } = await import('../dist/novel/models/scene-material.js')
  const { previewScene } = await import('../dist/novel/preview-scene.js')
  const { newCodexEntry } = await import('../dist/novel/codex/entry.js')
  const { findNames } = await import('../dist/novel/names.js')
  const { unitsOf: units } = await import('../dist/novel/checks/repetition.js')
  const product = { readMaterial, fitMaterial, unitsOf: units, findNames }
  const measure = async ({ novel, services, userId, result, importSample }, name) => {
    const novelId = await importSample(name)
    await result(novel.updateSummaries, { novelId })
    const { scenes, shown, runs, names } = await leakOf(product, { services, userId, novelId, tokens: 8_000 })
    console.log(
      `leak, ${name}: ${runs.length} runs and ${names.length} names of later scenes in ${scenes} prompts, ${shown} characters`,
    )
    if (runs.length + names.length > 0) process.exitCode = 1

    const { library } = services
    const entries = namedIn(name).people.map(([first, ...aliases], at) => ({
      id: `${name}-${at}`,
      fields: newCodexEntry.parse({ kind: 'person', name: first, aliases, text: `${first}. `.repeat(20) }),
    }))
    await library.codex.add(userId, novelId, entries)
    const narration = { styleSheet: 'Plain words. No semicolons.', voiceSample: 'It was late. '.repeat(40) }
    await library.shelf.setNarration(userId, novelId, { narration, expectedVersion: 0 })
    const request = { contextTokens: 8_000, scenesBefore: 20 }
    const { signal } = new AbortController()
    const texts = []
    for (const sceneId of await sceneIdsOf(library, userId, novelId)) {
      const { blocks } = await previewScene(services, { userId, sceneId, request, signal })
      texts.push(blocks.map(({ text }) => text).join(''))
    }
    const shares = texts.slice(1).map((text, at) => sameStart(text, texts[at]) / text.length)
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    console.log(
      `same beginning, ${name}: ${mean.toFixed(2)} of a prompt, ${Math.min(...shares).toFixed(2)} at least`,
    )
  }
  await withNovels(createModelCatalogue({ summary: [quoting()] }), async novels => {
    for (const name of ['the-salt-ledger', 'the-ferry-clock']) await measure(novels, name)
  })
}

async function sceneIdsOf(library, userId, novelId) {
  const { items } = await library.shelf.scenes(userId, { novelId }, { pageSize: 100 })
  return items.map(({ id }) => id)
}

/** Returns how many code units two texts have in common at their beginning. */
function sameStart(one, other) {
  let same = 0
  while (same < one.length && one[same] === other[same]) same += 1
  return same
}

/** Prints how many of the findings in a book that is broken on purpose are found, and how many others are. */
async function measureFindings() {
  const { sceneChecker } = await import('../dist/novel/codex/check-scene.js')
  const { newCodexEntry } = await import('../dist/novel/codex/entry.js')
  const { scenes, entries, findings } = JSON.parse(
    readFileSync(at('test/novel/codex/broken-book.json'), 'utf8'),
  )
  const check = sceneChecker({
    entries: entries.map(({ id, ...fields }) => ({ id, ...newCodexEntry.parse(fields) })),
    places: new Map(scenes.map(({ id }, place) => [id, [place, 0]])),
  })
  const found = scenes.flatMap((scene, place) => check({ ...scene, place: [place, 0] }))
  const named = ({ code, sceneId, name, quotation }) => [code, sceneId, name, quotation].join(' ')
  const wanted = new Set(findings.map(named))
  const right = found.filter(finding => wanted.has(named(finding))).length
  console.log(`codex findings: ${right} of ${found.length} right, ${right} of ${findings.length} found`)
  if (right < found.length || right < findings.length) process.exitCode = 1
}

/** The codex of each sample, and scenes with the entries that a person would give their writer. */
function selectionBooks() {
  return JSON.parse(readFileSync(at('test/novel/codex/selection-book.json'), 'utf8')).books
}

/** Prints how many of the entries that a person listed are in the prompts of scenes, and how many of those in the prompts are listed. */
async function measureSelection() {
  const { detectEntries, fitEntries } = await import('../dist/novel/codex/select-entries.js')
  const { newCodexEntry } = await import('../dist/novel/codex/entry.js')
  for (const book of selectionBooks()) {
    const text = readFileSync(at(`samples/${book.sample}.txt`), 'utf8')
    const product = { detectEntries, fitEntries, newCodexEntry }
    const { scenes, listed, given, right, broken } = selectionOf(product, { book, text })
    console.log(
      `selection, ${book.sample}, ${scenes} scenes: ${right} of ${listed} listed entries are in the prompts, ${right} of ${given} in the prompts are listed`,
    )
    if (broken > 0 || right / listed < 0.9 || right / given < 0.5) process.exitCode = 1
  }
}

/** Prints how near to the requested length the product keeps answers of a small model that were recorded. */
async function measureKeptLengths() {
  const { recordings } = JSON.parse(readFileSync(at('test/novel/checks/recorded-answers.json'), 'utf8'))
  const { answers, raw, kept } = await measureLengths(recordings)
  console.log(`length score, ${answers} recorded answers: ${raw} as they came, ${kept} as they are kept`)
  if (kept < raw) process.exitCode = 1
}

/** Prints what the checks say of scenes that a model of the configuration writes. */
async function measureProse() {
  const { rows, recorded } = await measureWriting({
    ...{ models: await catalogue(), id: asked.prose, books: selectionBooks() },
    ...{ count: Number(asked.scenes), words: Number(asked.words) },
  })
  console.table(rows)
  const mean = of => (rows.reduce((sum, row) => sum + of(row), 0) / rows.length).toFixed(2)
  const faulty = rows.filter(({ faults }) => faults !== '').length
  console.log(
    `prose of ${asked.prose}, ${rows.length} scenes: repeated ${mean(row => row.rep)}, length score ${mean(row => row.score)}, ` +
      `unknown names ${mean(row => row.unknown)}, answers ${mean(row => row.answers)}, with a fault ${faulty}`,
  )
  if (asked.record === undefined) return
  const of = `Answers of ${asked.prose} as they came, for scenes of so many words.`
  writeFileSync(asked.record, `${JSON.stringify({ about: of, recordings: recorded }, null, 2)}\n`)
}

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
  const words = async (query, limit) => (await searchIndex(store, query, { limit })).hits
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

/** What the checks say of prose that people wrote: in stretches of so many words or characters, which overlap by half. */
function falseAlarms(name, language) {
  const text = readFileSync(at(`../shared/data/${name}.txt`), 'utf8')
  const { starts } = unitsOf(text)
  const writing = language === 'zh' ? 'cjk' : 'spaced'
  return [150, 300, 600, 1_200, 3_000].map(size => {
    const row = { book: name, size, stretches: 0, faults: 0, marks: 0, repeated: 0, shared: 0 }
    const cut = from => text.slice(starts[Math.max(0, from)], starts[from + size])
    for (let from = 0; from + size / 2 < starts.length; from += size / 2) {
      const [stretch, textBefore] = [cut(from), from === 0 ? '' : cut(from - size)]
      const { faults, marks } = checkProse(stretch, { language, textBefore })
      const units = unitsOf(stretch)
      row.stretches += 1
      row.faults += faults.length
      row.marks += marks.length
      row.repeated = Math.max(row.repeated, mostRepeated(units, writing).share)
      row.shared = Math.max(row.shared, mostShared(units, unitsOf(textBefore), writing).share)
      for (const { code, figure, message } of faults)
        console.log(`${name}: ${code} ${figure ?? ''} ${message} In: ${stretch.slice(0, 60)}`)
    }
    return { ...row, repeated: Number(row.repeated.toFixed(4)), shared: Number(row.shared.toFixed(4)) }
  })
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

const alarms = [
  ['alice-in-wonderland', 'en'],
  ['pride-and-prejudice', 'en'],
  ['sanguo-yanyi', 'zh'],
].flatMap(([name, language]) => falseAlarms(name, language))
console.table(alarms)
const wrong = alarms.reduce((sum, { faults }) => sum + faults, 0)
if (wrong > 0) below.push(`the checks found ${wrong} faults in prose that people wrote`)

if (extractive['title recall %'] < 14) below.push('title recall below 14 %')
if (events['hit@5'] < 11) below.push('hit@5 below 11 of 12')
if (below.length > 0) {
  console.error(`eval: ${below.join('; ')}`)
  process.exit(1)
}
