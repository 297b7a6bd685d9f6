import type { z } from 'zod'
import type { chapterSchema, outlineSchema, searchAnswer } from '../http/schemas/novel.ts'
import type {
  candidateNoteSchema,
  candidateSchema,
  historyEntrySchema,
  historyNoteSchema,
  originSchema,
  sceneSchema,
} from '../http/schemas/scene.ts'
import type { uploadSchema } from '../http/schemas/upload.ts'
import { cut, pad, printable, tableLines } from './text.ts'
import { agoText, countOf, numberText, tokensText } from './words.ts'

type Outline = z.output<typeof outlineSchema>
type Chapter = z.output<typeof chapterSchema>
type Scene = z.output<typeof sceneSchema>
type Summary = NonNullable<Chapter['scenes'][number]['summary']>
type Answer = z.output<typeof searchAnswer>

/** Returns a novel with its volumes and chapters. */
export function outlineLines(novel: Outline, columns: number): string[] {
  const { title, author, reference, chapters, scenes, summaries, words, targetWords, outline, index } = novel
  const titleColumns = Math.max(20, Math.min(60, columns - 32))
  const lines = [
    printable(title) +
      (reference ? ' (reference)' : '') +
      (author === undefined ? '' : `, by ${printable(author)}`),
    `${countOf(chapters, 'chapter')}, ${countOf(scenes, 'scene')} (${numberText(summaries)} with a summary), ${wordsText(words, targetWords)}`,
    indexText(index),
  ]
  for (const volume of outline) {
    lines.push('', ...(volume.title === '' ? [] : [`  ${printable(volume.title)}`]))
    for (const chapter of volume.chapters)
      lines.push(`${String(chapter.position + 1).padStart(5)}  ${chapterLine(chapter, titleColumns)}`)
  }
  return [...lines, '']
}

/** Returns how many words there are, of how many that are wanted. */
function wordsText(words: number, target: number | undefined): string {
  return target === undefined ? countOf(words, 'word') : `${numberText(words)} of ${countOf(target, 'word')}`
}

function indexText({ kind, building, passages, vectors, outOfDateScenes }: Outline['index']): string {
  if (kind === 'none') return building ? 'search: the index is being built' : 'search: not indexed'
  const stale = outOfDateScenes === 0 ? '' : `; ${countOf(outOfDateScenes, 'scene')} changed since`
  const made = vectors === undefined ? '' : `; vectors of ${printable(vectors.model)}`
  const what = kind === 'hybrid' ? 'hybrid index (BM25 and vectors)' : 'lexical index (BM25)'
  return `search: ${what} of ${countOf(passages, 'passage')}${made}${stale}`
}

/** Returns a chapter with the summaries of its scenes, or with their texts where those are given. */
export function chapterLines(chapter: Chapter, scenes: readonly Scene[] | undefined): string[] {
  const lines = ['', `${chapter.position + 1}  ${printable(chapter.title)}`]
  for (const scene of scenes ?? chapter.scenes) {
    const title = scene.title === undefined || scene.title === '' ? '' : `  ${printable(scene.title)}`
    lines.push('', `  scene ${scene.position + 1}${title}  ${countOf(scene.words, 'word')}`)
    if ('content' in scene) lines.push(...textLines(scene))
    else lines.push(...summaryLines(scene.summary))
  }
  return lines
}

/** Returns the text of a scene, with its origin where it was not imported. */
function textLines({ content, textOrigin }: Scene): string[] {
  const isImported = textOrigin === undefined || textOrigin.method === 'imported'
  return [...paragraphs(content), ...(isImported ? [] : [`  [${printable(originText(textOrigin))}]`])]
}

/** Returns a summary, always with its origin. */
function summaryLines(summary: Summary | undefined): string[] {
  if (summary === undefined) return ['  (no summary)']
  const { text, outOfDate } = summary
  const stale = outOfDate ? '; the text has changed since' : ''
  return [...paragraphs(text), `  [${printable(originText(summary))}${stale}]`]
}

function paragraphs(text: string): string[] {
  return text.split('\n').map(line => `  ${printable(line).trimEnd()}`.trimEnd())
}

/** Returns the places that a search found. */
export function hitLines(answer: Answer): string[] {
  const { outOfDateScenes, hits, total, nextOffset, degraded } = answer
  const stale =
    outOfDateScenes === 0 ? '' : ` ${countOf(outOfDateScenes, 'scene')} changed since it was built.`
  const isAll = hits.length === total
  const found = isAll ? countOf(total, 'place') : `${numberText(hits.length)} of ${countOf(total, 'place')}`
  const lines = [`${found}. ${answeredBy(answer)}${stale}`]
  if (degraded !== undefined) lines.push(`By words only: ${printable(degraded.message)}`)
  for (const { chapterTitle, snippet, sceneId } of hits)
    lines.push('', printable(chapterTitle), `  ${printable(marked(snippet))}`, `  scene ${sceneId}`)
  if (nextOffset !== undefined) lines.push('', `The following ones: --offset ${nextOffset}`)
  return lines
}

function answeredBy({ index, model = '' }: Answer): string {
  if (index === 'none') return 'The novel is not indexed yet.'
  if (index === 'lexical') return 'Answered by the lexical index (BM25).'
  return `Answered by words (BM25) and by the vectors of ${printable(model)}.`
}

/** Returns the text with the words that match the query in brackets. */
function marked({ text, marks }: Answer['hits'][number]['snippet']): string {
  let shown = ''
  let at = 0
  for (const { start, end } of marks) {
    shown += `${text.slice(at, start)}[${text.slice(start, end)}]`
    at = end
  }
  return shown + text.slice(at)
}

type Note = z.output<typeof historyNoteSchema>
type Entry = z.output<typeof historyEntrySchema>
type Origin = Pick<
  z.output<typeof originSchema>,
  'accepted' | 'method' | 'model' | 'prompt' | 'restored' | 'usage' | 'writtenBy'
>

const methods = {
  imported: 'from the imported file',
  extractive: 'sentences of the text',
  generative: 'written by a model',
  person: 'written by a person',
}

/** Returns the origin of a text or a summary in a few words. */
function originText({
  method,
  model,
  prompt,
  accepted,
  restored,
}: Omit<Origin, 'writtenBy' | 'usage'>): string {
  return [
    methods[method],
    ...(model === undefined ? [] : [model]),
    ...(prompt === undefined ? [] : [`prompt ${prompt.name} ${prompt.version} (${prompt.language})`]),
    ...(accepted?.merged === true ? ['merged with the text before it'] : []),
    ...(restored === undefined ? [] : ['restored']),
  ].join(', ')
}

/** Returns the entries of a history as a table. */
export function historyTable(notes: readonly Note[], columns: number | undefined): string[] {
  return tableLines(
    notes,
    [
      { title: 'ENTRY', text: ({ id }) => id },
      { title: 'WHAT', text: ({ what }) => what },
      { title: 'WHY', text: ({ why }) => why },
      { title: 'KEPT', text: ({ keptAt }) => agoText(keptAt) },
      { title: 'LENGTH', text: ({ length }) => numberText(length), right: true },
      { title: 'HOW', text: note => (note.provenance === undefined ? '' : originText(note.provenance)) },
      { title: 'BEGINS', text: ({ excerpt }) => excerpt },
    ],
    columns,
  )
}

/** Returns an entry with its whole text and all that is known of its origin. */
export function entryLines(entry: Entry): string[] {
  const { what, why, keptAt, provenance, writtenBy } = entry
  const kept = why === 'conflict' ? 'kept because the scene was edited meanwhile' : 'overwritten'
  const lines = [`${what}, ${kept} ${agoText(keptAt)}`]
  if (provenance !== undefined) lines.push(...originLines({ ...provenance, ...(writtenBy && { writtenBy }) }))
  return [...lines, '', ...entry.text.split('\n').map(line => printable(line).trimEnd())]
}

type CandidateNote = z.output<typeof candidateNoteSchema>
type Candidate = z.output<typeof candidateSchema>

/** Returns the candidates of a scene as a table. */
export function candidatesTable(notes: readonly CandidateNote[], columns: number | undefined): string[] {
  return tableLines(
    notes,
    [
      { title: 'CANDIDATE', text: ({ id }) => id },
      { title: 'STATUS', text: ({ status }) => status },
      { title: 'WRITTEN', text: ({ createdAt }) => agoText(createdAt) },
      { title: 'WORDS', text: ({ words }) => numberText(words), right: true },
      { title: 'HOW', text: ({ provenance }) => originText(provenance) },
      { title: 'BEGINS', text: ({ excerpt }) => excerpt },
    ],
    columns,
  )
}

/** Returns a candidate with its whole text, what checks found, and all that is known of its origin. */
export function candidateLines(candidate: Candidate): string[] {
  const { status, createdAt, words, faults = [], marks = [], provenance, writtenBy, text } = candidate
  return [
    `candidate, ${status}, written ${agoText(createdAt)}, ${countOf(words, 'word')}`,
    ...originLines({ ...provenance, writtenBy }),
    ...faults.map(({ code, message }) => printable(`fault: ${message} [${code}]`)),
    ...marks.map(({ code, message }) => printable(`mark: ${message} [${code}]`)),
    '',
    ...text.split('\n').map(line => printable(line).trimEnd()),
  ]
}

function originLines(origin: Origin): string[] {
  const { usage, writtenBy, accepted, restored } = origin
  const first = restored?.writtenBy ?? accepted?.writtenBy ?? writtenBy
  const lines = [originText(origin)]
  if (first !== undefined) lines.push(`by ${writerText(first)}`)
  if (usage !== undefined) {
    const tokens = tokensText(usage)
    lines.push(usage.cost === undefined ? tokens : `${tokens}, cost ${usage.cost}`)
  }
  return lines.map(printable)
}

function writerText(writer: NonNullable<Origin['writtenBy']>): string {
  return 'taskId' in writer ? `attempt ${writer.attempt} of task ${writer.taskId}` : `user ${writer.userId}`
}

/** The preview of an upload, as the API returns it. */
export type PreviewJson = NonNullable<z.output<typeof uploadSchema>['preview']>

/** Chapters that a short preview lists. */
const fewChapters = 12
/** Warnings that a short preview lists. */
const fewWarnings = 5

/** Returns what a file holds: every chapter and warning if `whole`, else the first ones. */
export function previewLines(preview: PreviewJson, options: { whole: boolean; columns: number }): string[] {
  const chapters = preview.volumes.flatMap(({ chapters }) => chapters)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  const { name, confidence } = preview.encoding
  const volumes = preview.volumes.length > 1 ? `${countOf(preview.volumes.length, 'volume')}, ` : ''
  return [
    printable(preview.title) + (preview.author === undefined ? '' : `, by ${printable(preview.author)}`),
    `${volumes}${countOf(chapters.length, 'chapter')}, ${countOf(words, 'word')}; encoding ${name} (${Math.floor(confidence * 100)} % sure)`,
    ...archiveLines(preview),
    ...listedChapters(preview, options),
    ...warningLines(preview, options.whole),
    ...repeatedLines(preview),
  ]
}

/** Returns the lines that stand in most chapters, numbered as `--remove-lines` takes them. */
function repeatedLines({ repeated }: PreviewJson): string[] {
  if (repeated.length === 0) return []
  const digits = String(repeated.length).length + 2
  return [
    '',
    'Lines that stand in most chapters (leave them out with --remove-lines):',
    ...repeated.map(
      ({ line, chapters }, at) =>
        `${String(at + 1).padStart(digits)}  ${printable(line)} (${countOf(chapters, 'chapter')})`,
    ),
  ]
}

/** What the parts of an archive are called. */
const archivedNames: Readonly<Record<keyof NonNullable<PreviewJson['archive']>, string>> = {
  summaries: 'summaries',
  versions: 'earlier versions',
  candidates: 'open candidates',
  entries: 'codex entries',
  threads: 'threads',
  snapshots: 'snapshots',
  binned: 'in the bin',
}

function archiveLines({ archive }: PreviewJson): string[] {
  if (archive === undefined) return []
  const parts = Object.entries(archivedNames).map(
    ([part, name]) => `${name} ${numberText(archive[part as keyof typeof archivedNames])}`,
  )
  return [`The archive of a novel: ${parts.join(', ')}`]
}

function listedChapters(
  preview: PreviewJson,
  { whole, columns }: { whole: boolean; columns: number },
): string[] {
  const all = preview.volumes.flatMap(({ chapters }) => chapters)
  const shown = whole ? all.length : Math.min(all.length, fewChapters)
  const digits = String(all.length).length + 2
  const titleColumns = Math.max(20, Math.min(60, columns - digits - 16))
  const lines: string[] = []
  let number = 0
  for (const volume of preview.volumes) {
    if (number >= shown) break
    if (volume.title !== '') lines.push('', `  ${printable(volume.title)}`)
    else if (lines.length === 0) lines.push('')
    for (const chapter of volume.chapters) {
      number += 1
      if (number > shown) break
      lines.push(`${String(number).padStart(digits)}  ${chapterLine(chapter, titleColumns)}`)
    }
  }
  if (shown < all.length) lines.push(`${' '.repeat(digits)}  ${moreChapters(all.length - shown)}`)
  return lines
}

function chapterLine(
  { title, words, targetWords }: { title: string; words: number; targetWords?: number | undefined },
  titleColumns: number,
): string {
  const label = pad(cut(printable(title), titleColumns), titleColumns)
  const wanted = targetWords === undefined ? '' : ` of ${numberText(targetWords)}`
  return `${label} ${numberText(words).padStart(7)}${wanted} words`
}

function moreChapters(count: number): string {
  return `and ${countOf(count, 'more chapter')} (all of them: --preview)`
}

function warningLines({ warnings }: PreviewJson, whole: boolean): string[] {
  if (warnings.length === 0) return []
  const shown = whole ? warnings : warnings.slice(0, fewWarnings)
  const lines = shown.map(({ code, message, line }) => {
    const place = line === undefined ? '' : `line ${line}: `
    return `  ${place}${printable(message)} [${code}]`
  })
  const rest = warnings.length - shown.length
  return [
    '',
    `${countOf(warnings.length, 'warning')}:`,
    ...lines,
    ...(rest > 0 ? [`  and ${numberText(rest)} more (all of them: --preview)`] : []),
  ]
}
