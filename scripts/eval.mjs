// Prints how good the summaries and the search are, on a real novel: `npm run build && npm run eval`.
// Ends with 1 where a figure is below its bar. Skips where ../shared/data is missing.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

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
const { memoryPostingStore } = await import('../dist/novel/search/postings.js')
const { searchIndex } = await import('../dist/novel/search/search.js')
const { splitPassages } = await import('../dist/novel/search/passages.js')

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
  const store = memoryPostingStore()
  const chapterOf = []
  for (let first = 0; first < chapters.length; first += 12) {
    const passages = []
    for (const [place, { text }] of chapters.slice(first, first + 12).entries()) {
      for (const { start, end } of splitPassages(text)) {
        passages.push({ id: chapterOf.length, text: text.slice(start, end) })
        chapterOf.push(first + place + 1)
      }
    }
    await store.put(`${first}`, await buildSegment(passages))
  }
  return { store, chapterOf }
}

async function searches(name, { store, chapterOf }, queries) {
  const started = performance.now()
  const hits = { 'hit@1': 0, 'hit@5': 0 }
  for (const { query, chapters } of queries) {
    const found = (await searchIndex(store, query, { limit: 5 })).map(hit => chapterOf[hit.passageId])
    if (chapters.includes(found[0])) hits['hit@1'] += 1
    if (found.some(chapter => chapters.includes(chapter))) hits['hit@5'] += 1
    else if (queries.length <= 20)
      console.log(`not in the first five: ${query} (found chapters ${found.join(', ')})`)
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
console.table([await summaries('lead sentences', chapters, async text => leadOf(text, 165)), extractive])

const started = performance.now()
const index = await indexOf(chapters)
console.log(`index: ${index.chapterOf.length} passages in ${Math.round(performance.now() - started)} ms`)
const named = JSON.parse(readFileSync(at('test/novel/search/sanguo-queries.json'), 'utf8'))
const titles = chapters.flatMap(({ title }, place) =>
  title.split(/\s+/u).map(query => ({ query, chapters: [place + 1] })),
)
const events = await searches('events, worded by hand', index, named)
console.table([events, await searches('halves of the chapter titles', index, titles)])

const below = []
if (extractive['title recall %'] < 14) below.push('title recall below 14 %')
if (events['hit@5'] < 11) below.push('hit@5 below 11 of 12')
if (below.length > 0) {
  console.error(`eval: ${below.join('; ')}`)
  process.exit(1)
}
