import type { PageKind } from '../opened.ts'
import { kindsOf } from './contents.ts'

/** Elements that begin and end a paragraph. */
export const blockElements: ReadonlySet<string> = new Set(
  `address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form header
  hgroup legend li main ol p pre section summary table tbody tfoot thead tr ul`.split(/\s+/),
)

/** Elements whose content is no text of the book: how it looks, pictures, and the readings of ruby, whose base stays. */
const silentElements: ReadonlySet<string> = new Set(
  'audio head iframe map math nav noscript object rp rt rtc script select style svg template textarea title video'.split(
    ' ',
  ),
)

/** Kinds of notes and of what leads to them. */
const noteKinds: ReadonlySet<string> = new Set(
  'footnote footnotes endnote endnotes rearnote rearnotes backlink referrer pagebreak page-list'.split(' '),
)
const noteRoles: ReadonlySet<string> = new Set(
  'doc-footnote doc-endnote doc-endnotes doc-backlink doc-pagebreak doc-pagelist'.split(' '),
)

/** Pages that are no part of the story, by what an EPUB calls them. */
export const pageKinds: ReadonlyMap<string, PageKind> = new Map([
  ['cover', 'cover'],
  ['titlepage', 'title-page'],
  ['title-page', 'title-page'],
  ['halftitlepage', 'half-title'],
  ['copyright-page', 'copyright'],
  ['copyright', 'copyright'],
  ['imprint', 'imprint'],
  ['colophon', 'colophon'],
  ['toc', 'contents'],
  ['loi', 'illustrations'],
  ['lot', 'tables'],
])

/** Titles under which tables of contents list such pages, where nothing else tells. */
export const pageTitles =
  /^(?:cover(?: page)?|title ?page|half ?title|copyright(?: page| notice)?|(?:table of )?contents|封面|书名页|書名頁|扉页|扉頁|版权(?:页|信息|声明)?|版權(?:頁|資訊|聲明)?|目[录錄次])$/i

/** What an element is to its text. */
export type Purpose = 'text' | 'silent' | 'note' | 'reference' | 'page'

/** Tells what to do with the text of an element. */
export function purposeOf(name: string, attributes: Readonly<Record<string, string>>): Purpose {
  if (silentElements.has(name) || attributes['hidden'] !== undefined) return 'silent'
  const kinds = kindsOf(attributes)
  const role = attributes['role'] ?? ''
  if (kinds.includes('noteref') || role === 'doc-noteref') return 'reference'
  if (kinds.some(kind => noteKinds.has(kind)) || noteRoles.has(role)) return 'note'
  if ((attributes['class'] ?? '').includes('duokan-footnote-item')) return 'note'
  const isPage =
    (name === 'body' || name === 'section' || name === 'div') && kinds.some(kind => pageKinds.has(kind))
  return isPage ? 'page' : 'text'
}

/** Whether an element without text is a mark between scenes. */
export function isSceneMark(attributes: Readonly<Record<string, string>>): boolean {
  const names = attributes['class'] ?? ''
  if (attributes['role'] === 'separator') return true
  return (
    /break|separator|ornament|asterism|dinkus|divider/i.test(names) && !/page|line|column|word/i.test(names)
  )
}

/** Whether the text of a link leads to a note: a number or a mark, in brackets or raised. */
export function isNoteMark(text: string, raised: boolean): boolean {
  const mark = text.trim()
  if (/^[[［(（【〔][注註]?\s?(?:\d{1,4}|[*†‡§¶])[\]］)）】〕]$/.test(mark)) return true
  return raised && /^(?:\d{1,4}|[*†‡§¶]{1,3}|[a-z]|[①-⑳]|[注註]\d{0,4})$/.test(mark)
}
