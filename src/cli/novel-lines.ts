import type { z } from 'zod'
import type { chapterSchema, outlineSchema, sceneSchema, searchAnswer } from '../http/schemas/novel.ts'
import { originText } from './history-lines.ts'
import { cut, pad, printable } from './width.ts'
import { countOf, numberText } from './words.ts'

type Outline = z.output<typeof outlineSchema>
type Chapter = z.output<typeof chapterSchema>
type Scene = z.output<typeof sceneSchema>
type Summary = NonNullable<Chapter['scenes'][number]['summary']>
type Answer = z.output<typeof searchAnswer>

/** A novel with its volumes and chapters. */
export function outlineLines(novel: Outline, columns: number): string[] {
  const { title, author, chapters, scenes, summaries, words, outline, index } = novel
  const titleColumns = Math.max(20, Math.min(60, columns - 32))
  const lines = [
    printable(title) + (author === undefined ? '' : `, by ${printable(author)}`),
    `${countOf(chapters, 'chapter')}, ${countOf(scenes, 'scene')} (${numberText(summaries)} with a summary), ${countOf(words, 'word')}`,
    indexText(index),
  ]
  for (const volume of outline) {
    lines.push('', ...(volume.title === '' ? [] : [`  ${printable(volume.title)}`]))
    for (const chapter of volume.chapters) {
      const label = pad(cut(printable(chapter.title), titleColumns), titleColumns)
      lines.push(
        `${String(chapter.position + 1).padStart(5)}  ${label} ${numberText(chapter.words).padStart(7)} words`,
      )
    }
  }
  return [...lines, '']
}

function indexText({ kind, building, passages, vectors, outOfDateScenes }: Outline['index']): string {
  if (kind === 'none') return building ? 'search: the index is being built' : 'search: not indexed'
  const stale = outOfDateScenes === 0 ? '' : `; ${countOf(outOfDateScenes, 'scene')} changed since`
  const made = vectors === undefined ? '' : `; vectors of ${printable(vectors.model)}`
  const what = kind === 'hybrid' ? 'hybrid index (BM25 and vectors)' : 'lexical index (BM25)'
  return `search: ${what} of ${countOf(passages, 'passage')}${made}${stale}`
}

/** A chapter: the summaries of its scenes, or their texts where those are given. */
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

/** A text that was not imported says how it came about. */
function textLines({ content, textOrigin }: Scene): string[] {
  const isImported = textOrigin === undefined || textOrigin.method === 'imported'
  return [...paragraphs(content), ...(isImported ? [] : [`  [${printable(originText(textOrigin))}]`])]
}

/** A summary is never shown without how it came about. */
function summaryLines(summary: Summary | undefined): string[] {
  if (summary === undefined) return ['  (no summary)']
  const { text, outOfDate } = summary
  const stale = outOfDate ? '; the text changed since' : ''
  return [...paragraphs(text), `  [${printable(originText(summary))}${stale}]`]
}

function paragraphs(text: string): string[] {
  return text.split('\n').map(line => `  ${printable(line).trimEnd()}`.trimEnd())
}

/** What a search found. */
export function hitLines(answer: Answer): string[] {
  const { outOfDateScenes, hits, degraded } = answer
  const stale =
    outOfDateScenes === 0 ? '' : ` ${countOf(outOfDateScenes, 'scene')} changed since it was built.`
  const lines = [`${countOf(hits.length, 'place')}. ${answeredBy(answer)}${stale}`]
  if (degraded !== undefined) lines.push(`By words alone: ${printable(degraded.message)}`)
  for (const { chapterTitle, snippet, sceneId } of hits)
    lines.push('', printable(chapterTitle), `  ${printable(marked(snippet))}`, `  scene ${sceneId}`)
  return lines
}

function answeredBy({ index, model = '' }: Answer): string {
  if (index === 'none') return 'The novel is not indexed yet.'
  if (index === 'lexical') return 'Answered by the lexical index (BM25).'
  return `Answered by words (BM25) and by the vectors of ${printable(model)}.`
}

/** The text with what answers the query in brackets. */
function marked({ text, marks }: Answer['hits'][number]['snippet']): string {
  let shown = ''
  let at = 0
  for (const { start, end } of marks) {
    shown += `${text.slice(at, start)}[${text.slice(start, end)}]`
    at = end
  }
  return shown + text.slice(at)
}
