import type { PreviewJson } from './novel-client.ts'
import { cut, pad, printable } from './width.ts'
import { countOf, numberText } from './words.ts'

/** Chapters that a short preview lists. */
const fewChapters = 12
/** Warnings that a short preview lists. */
const fewWarnings = 5

/** What a file holds, for a person: `whole` lists every chapter, else the first ones. */
export function previewLines(preview: PreviewJson, options: { whole: boolean; columns: number }): string[] {
  const chapters = preview.volumes.flatMap(({ chapters }) => chapters)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  const { name, confidence } = preview.encoding
  const volumes = preview.volumes.length > 1 ? `${countOf(preview.volumes.length, 'volume')}, ` : ''
  return [
    printable(preview.title) + (preview.author === undefined ? '' : `, by ${printable(preview.author)}`),
    `${volumes}${countOf(chapters.length, 'chapter')}, ${countOf(words, 'word')}; encoding ${name} (${Math.floor(confidence * 100)} % sure)`,
    ...chapterLines(preview, options),
    ...warningLines(preview, options.whole),
  ]
}

function chapterLines(
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

function chapterLine({ title, words }: { title: string; words: number }, titleColumns: number): string {
  const label = pad(cut(printable(title), titleColumns), titleColumns)
  return `${label} ${numberText(words).padStart(7)} words`
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
