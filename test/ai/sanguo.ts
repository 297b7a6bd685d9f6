import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const book = fileURLToPath(new URL('../../../shared/data/sanguo-yanyi.txt', import.meta.url))

/** Whether the novel that the quality is measured on is there. It is not part of the repository. */
export const hasSanguo = existsSync(book)

if (!hasSanguo)
  process.stderr.write(`SKIPPED: there is no ${book}, so the quality on a real novel is not tested.\n`)

/** The 120 chapters of the novel, the heading apart from the text. */
export function sanguoChapters(): { title: string; text: string }[] {
  const chapters: { title: string; text: string }[] = []
  for (const line of readFileSync(book, 'utf8').split('\n')) {
    const heading = /^第\S+回\s*(.*)$/u.exec(line)
    const chapter = chapters.at(-1)
    if (heading?.[1] !== undefined) chapters.push({ title: heading[1].trim(), text: '' })
    else if (chapter !== undefined) chapter.text += `${line}\n`
  }
  return chapters
}
