import { type Block, titleLine } from './blocks.ts'
import type { Book, BookMatter } from './book.ts'
import { matterLines } from './document.ts'
import type { BookScript } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

/** Returns the beginning of a page, up to its text. */
export function pageStart(title: string, { language, isRightToLeft }: BookScript): string {
  const languages = language === 'und' ? '' : ` xml:lang="${language}" lang="${language}"`
  const direction = isRightToLeft ? ' dir="rtl"' : ''
  return [
    `${xmlDeclaration}<!DOCTYPE html>`,
    `<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"${languages}${direction}>`,
    `<head><title>${escapeXml(title)}</title><link rel="stylesheet" type="text/css" href="style.css"/></head>`,
    '<body>\n',
  ].join('\n')
}

/** What is behind the text of a page. */
export const pageEnd = '</body>\n</html>\n'

/** Returns the page with title and author. */
export function titlePage(book: Book, script: BookScript): string {
  const title = titleLine(book.title)
  const author = titleLine(book.author ?? '')
  return [
    pageStart(title, script),
    `<section epub:type="titlepage">\n<h1>${escapeXml(title)}</h1>\n`,
    author === '' ? '' : `<p class="author">${escapeXml(author)}</p>\n`,
    `</section>\n${pageEnd}`,
  ].join('')
}

/** A page before or after the text. */
export interface MatterPage {
  readonly kind: 'frontmatter' | 'backmatter'
  readonly id: string
  /** Name of its file. */
  readonly file: string
  /** Empty for none. */
  readonly title: string
  readonly text: string
}

/** Returns the pages before and after the text. */
export function matterPagesOf({ frontMatter = [], endMatter = [] }: Book) {
  const pagesOf = (kind: MatterPage['kind'], matter: readonly BookMatter[]) =>
    matter.map(({ title = '', text }, at): MatterPage => {
      const id = `${kind}-${at + 1}`
      return { kind, id, file: `${id}.xhtml`, title: titleLine(title), text }
    })
  return { front: pagesOf('frontmatter', frontMatter), end: pagesOf('backmatter', endMatter) }
}

/** Returns a page before or after the text. The class `matter` tells the import that it is no text of the novel. */
export function matterPage({ kind, title, text }: MatterPage, book: Book, script: BookScript): string {
  return [
    pageStart(title || titleLine(book.title), script),
    `<section epub:type="${kind}" class="matter">\n`,
    title === '' ? '' : `<h2>${escapeXml(title)}</h2>\n`,
    ...matterLines(text).map(line => `<p>${escapeXml(line) || '\u00a0'}</p>\n`),
    `</section>\n${pageEnd}`,
  ].join('')
}

const headings = { volume: 'h1', chapter: 'h2', scene: 'h3' } as const

/** Returns a block of the text. */
export function blockXhtml(block: Block): string {
  if (block.kind === 'paragraph') return textXhtml(block)
  if (block.kind === 'break') return '<hr/>\n'
  // A paragraph without any character would have no height.
  if (block.kind === 'blank') return '<p class="blank">\u00a0</p>\n'
  const name = headings[block.kind]
  return `<${name}>${escapeXml(block.title)}</${name}>\n`
}

/** Returns a paragraph. The class `line` tells the import that no blank line follows. */
function textXhtml({ lines, isLine, isMark }: Extract<Block, { kind: 'paragraph' }>): string {
  const [first = ''] = lines
  const classes = [
    isMark ? 'mark' : '',
    isLine ? 'line' : '',
    // The author indented it.
    /^\s/.test(first) ? 'indented' : '',
    lines.some(line => /\t|^ | $| {2}/.test(line)) ? 'spaced' : '',
  ].filter(name => name !== '')
  const attribute = classes.length === 0 ? '' : ` class="${classes.join(' ')}"`
  return `<p${attribute}>${lines.map(escapeXml).join('<br/>')}</p>\n`
}

/** Returns the style sheet of all pages. */
export function styleSheet({ isEastAsian }: BookScript): string {
  return `h1, h2, h3, .author, .mark { text-align: center; text-indent: 0; }
h1, h2 { margin: 3em 0 2em; }
h3 { margin: 1.5em 0 1em; }
.matter p { text-indent: 0; }
p { margin: 0; text-indent: ${isEastAsian ? '2em' : '1.5em'}; }
.indented { text-indent: 0; }
.spaced { white-space: pre-wrap; }
hr { width: 20%; margin: 1.5em auto; border: 0; border-top: 1px solid; }
`
}
