import { withoutControls } from '../../task/controls.ts'
import { titleHeading } from './choose.ts'
import { plainSpaces, undecorate, withoutPageNumber } from './heading.ts'
import type { Chosen } from './heading-candidate.ts'
import type { BookFacts } from './opened.ts'
import type { OpeningLine, TextScan } from './scan.ts'

/** Title and author, as far as they are known. */
type BookTitle = { readonly [Key in 'title' | 'author']?: string | undefined }

const TITLE_FIELD = /^(?:title|书名|書名|小说名|小說名|作品名)\s*[:：]\s*(\S.*)$/i
const AUTHOR_FIELD = /^(?:author|作者|作家|著者)\s*[:：]\s*(\S.*)$/i
const LONGEST_TITLE = 80

/**
 * Returns title and author of a book: as the file declares them, as front matter or a heading above all others says, as the text before
 * the first heading says (in fields such as `Title:` and 书名：, in a title in 《》, else on a title page, which is a few short lines),
 * else as the file name says.
 */
export function titleOf(
  scan: TextScan,
  chosen: readonly Chosen[],
  { fileName, facts }: { fileName: string; facts: BookFacts },
): { title: string; author: string | undefined } {
  const first = chosen[0]?.candidate.line ?? Number.POSITIVE_INFINITY
  const marked = titleHeading(scan.candidates.filter(({ level }) => level !== undefined))
  const opening = scan.opening.filter(({ line }) => line < first && line !== marked?.line)
  const text = fieldsOf([...scan.header, ...opening].map(line => line.text))
  const page = titlePage(opening)
  const file = fromFileName(fileName)
  const { fields } = scan.markdown
  const author = facts.author ?? fields.get('author') ?? text.author ?? page.author ?? file.author
  const own = facts.title ?? fields.get('title')
  const title = own || marked?.heading.title || (text.title ?? page.title) || file.title || fileName
  return {
    title: withoutControls(title).trim() || 'Untitled',
    author: withoutControls(author ?? '') || undefined,
  }
}

/** Returns title and author of a file that Quillwork exported, as its front matter says; the title of the file name where it says none. */
export function titleOfExported({ title = '', author = '' }: BookFacts, fileName: string) {
  const own = withoutControls(title).trim()
  return {
    title: own || fromFileName(fileName).title || 'Untitled',
    author: withoutControls(author) || undefined,
  }
}

/** Finds title and author in a file name: `《书名》作者：某某.txt`, `pride-and-prejudice.txt`. */
function fromFileName(name: string): BookTitle {
  const stem = name.replace(/\.[A-Za-z0-9]{1,8}$/, '').trim()
  const quoted = /《([^》]{1,80})》/.exec(stem)?.[1]
  const author = /作者[:：_\s]?\s*([^（(《【\s]{1,20})/.exec(stem)?.[1]
  if (quoted !== undefined) return { title: quoted, author }
  const plain = plainSpaces(stem.replace(/[-_]+/g, ' '))
  return { title: plain === '' ? 'Untitled' : plain }
}

function fieldsOf(lines: readonly string[]): BookTitle {
  let title: string | undefined
  let author: string | undefined
  for (const line of lines) {
    const text = undecorate(line)
    title ??= clean(TITLE_FIELD.exec(text)?.[1])
    author ??= clean(AUTHOR_FIELD.exec(text)?.[1])
    // 《书名》作者：某某
    const quoted = /^《([^》]{1,60})》\s*(?:作者\s*[:：]\s*(\S.{0,30}))?$/.exec(line)
    title ??= clean(quoted?.[1])
    author ??= clean(quoted?.[2])
  }
  return { title, author }
}

function titlePage(opening: readonly OpeningLine[]): BookTitle {
  const [first, ...rest] = opening.filter(line => !/^[[(]/.test(line.text))
  if (first === undefined || !isTitleLine(first, rest[0])) return {}
  const below = rest.slice(0, 8).map(line => line.text)
  return { title: plainSpaces(withoutPageNumber(undecorate(first.text))), author: authorIn(below) }
}

function isTitleLine(line: OpeningLine, next: OpeningLine | undefined): boolean {
  const { text } = line
  if (text.length > LONGEST_TITLE || /[.。,，;；:：…]$/.test(text) || /^["'“‘「『]/.test(text)) return false
  return next === undefined || next.blankBefore || next.text.length <= LONGEST_TITLE / 2
}

function authorIn(lines: readonly string[]): string | undefined {
  for (const [i, line] of lines.entries()) {
    const by =
      /^by\s+(\S.{1,60})$/i.exec(line)?.[1] ?? /^(\S.{0,20}?)\s*(?:[/／]\s*)?(?:著|作|撰)$/.exec(line)?.[1]
    if (by !== undefined) return clean(by)
    if (/^by:?$/i.test(line)) return clean(lines[i + 1])
  }
  const [next = ''] = lines
  const isName =
    /^(?:\p{Lu}[\p{L}'’.-]{0,20} ){1,3}\p{Lu}[\p{L}'’-]{1,20}$/u.test(next) && next !== next.toUpperCase()
  return isName && !/\b(?:the|edition|volume|book|part|novel|chapter|story|tale|contents)\b/i.test(next)
    ? next
    : undefined
}

function clean(text: string | undefined): string | undefined {
  const bare = text?.replace(/\s\(\d{4}\)$/, '').replace(/^[《_*]+/, '')
  const plain = plainSpaces(bare?.replace(/(?<![》_*.])[》_*.]+$/, '') ?? '')
  return plain === '' || plain.length > 200 ? undefined : plain
}
