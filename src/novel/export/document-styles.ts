/** The look of a document for word processors, before any format. All lengths are in points. */
import type { Book, BookLayout } from './book.ts'
import type { BookScript } from './script.ts'

/** A style of paragraphs. */
export interface ParagraphStyle {
  /** The one by which Word, and the import, know it. */
  readonly name: string
  readonly basedOn?: StyleId
  /** The style of the paragraph after it. */
  readonly next?: StyleId
  readonly before?: number
  readonly after?: number
  /** In heights of a line. */
  readonly lineHeight?: number
  /** Of the first line. */
  readonly indent?: number
  /** The same in characters, for scripts that count them. */
  readonly indentCharacters?: number
  /** Default: the side where lines begin. */
  readonly align?: 'center' | 'justify' | 'end'
  readonly isBold?: true
  readonly size?: number
  /** Of a heading, from 1 on. */
  readonly level?: number
  /** Begins on a page of its own. */
  readonly startsPage?: boolean
  /** On the page of the paragraph after it. */
  readonly keepsNext?: true
  /** Where a tab leads, with what follows it ending there. */
  readonly tab?: number
}

/** The styles of documents. */
export type StyleId =
  | 'TitlePageTop'
  | 'Title'
  | 'Author'
  | 'MatterTitle'
  | 'Matter'
  | 'Heading1'
  | 'Heading2'
  | 'Heading3'
  | 'BodyText'
  | 'TextLine'
  | 'SceneBreak'
  | 'Margin'

/** A layout on paper. */
export interface Sheet {
  readonly width: number
  readonly height: number
  /** Where the number of the page is. */
  readonly margin: 'header' | 'footer'
  /** Between two scenes. */
  readonly sceneMark: string
}

/** A4 for a book; letter paper for a manuscript in the standard form, which comes from America. */
export const sheets: Readonly<Record<BookLayout, Sheet>> = {
  book: { width: 595.3, height: 841.9, margin: 'footer', sceneMark: '* * *' },
  manuscript: { width: 612, height: 792, margin: 'header', sceneMark: '#' },
}

/** On each side of the paper; half of it is above a header and below a footer. */
export const paperMargin = 72

/** Size of the text. */
export const textSize = 12

/** Returns the styles of a document. In an outline or a codex, headings begin no pages. */
export function stylesOf(
  { content }: Book,
  script: BookScript,
  layout: BookLayout,
): Readonly<Record<StyleId, ParagraphStyle>> {
  const startsPage = content === undefined
  return layout === 'book' ? bookStyles(script, startsPage) : manuscriptStyles(startsPage)
}

/** Styles whose names tell the import what their paragraphs are. */
const marked = {
  textLine: { name: 'Text Line', basedOn: 'BodyText' },
  sceneBreak: { name: 'Scene Break', next: 'BodyText' },
  matterTitle: { name: 'Matter Title', next: 'Matter', startsPage: true, keepsNext: true },
  matter: { name: 'Matter' },
} as const

function bookStyles({ isEastAsian }: BookScript, startsPage: boolean): Record<StyleId, ParagraphStyle> {
  const indent = isEastAsian ? { indent: 24, indentCharacters: 2 } : { indent: 18 }
  const heading = { next: 'BodyText', keepsNext: true, align: 'center', isBold: true } as const
  /** At the top of a page, space is above a heading; within a page, less of it. */
  const above = (points: number) => (startsPage ? points : Math.min(points, 24))
  const first = { startsPage, ...heading }
  return {
    TitlePageTop: { name: 'Title Page Top' },
    Title: { name: 'Title', before: above(180), after: 24, align: 'center', isBold: true, size: 26 },
    Author: { name: 'Author', align: 'center', size: 16 },
    MatterTitle: { ...marked.matterTitle, before: 72, after: 36, align: 'center', isBold: true, size: 16 },
    Matter: { ...marked.matter, lineHeight: 4 / 3, after: 6 },
    Heading1: { name: 'heading 1', ...first, before: above(180), after: 24, size: 20, level: 1 },
    Heading2: { name: 'heading 2', ...first, before: above(72), after: above(36), size: 16, level: 2 },
    Heading3: { name: 'heading 3', ...heading, before: 18, after: 12, size: 13, level: 3 },
    BodyText: { name: 'Body Text', lineHeight: 4 / 3, ...indent, align: 'justify' },
    TextLine: marked.textLine,
    SceneBreak: { ...marked.sceneBreak, before: 12, after: 12, align: 'center' },
    Margin: { name: sheets.book.margin, align: 'center', size: 10 },
  }
}

/** Returns the standard form of manuscripts: one font and size, double-spaced, a first line indented by half an inch. */
function manuscriptStyles(startsPage: boolean): Record<StyleId, ParagraphStyle> {
  const double = { lineHeight: 2 }
  /** A third down the page. */
  const lowered = { before: 180, ...double, align: 'center' } as const
  const heading = { next: 'BodyText', keepsNext: true } as const
  return {
    // Letter paper has 6.5 inches between its margins.
    TitlePageTop: { name: 'Title Page Top', tab: 468 },
    Title: { name: 'Title', ...lowered },
    Author: { name: 'Author', ...double, align: 'center' },
    MatterTitle: { ...marked.matterTitle, ...double, align: 'center' },
    Matter: { ...marked.matter, ...double },
    Heading1: { name: 'heading 1', startsPage, ...heading, ...lowered, level: 1 },
    Heading2: { name: 'heading 2', startsPage, ...heading, ...lowered, level: 2 },
    Heading3: { name: 'heading 3', ...heading, ...double, align: 'center', level: 3 },
    BodyText: { name: 'Body Text', ...double, indent: 36 },
    TextLine: marked.textLine,
    SceneBreak: { ...marked.sceneBreak, ...double, align: 'center' },
    Margin: { name: sheets.manuscript.margin, align: 'end' },
  }
}

/** The font of all other letters. */
export const latinFont = 'Times New Roman'

/** Fonts of East Asian letters by script; a document has one font for each kind of letters. */
const eastAsianFonts: Readonly<Record<string, string>> = {
  Hans: 'SimSun',
  Hant: 'PMingLiU',
  Jpan: 'MS Mincho',
  Kore: 'Batang',
}
const rightToLeftScripts = new Set(['Arab', 'Hebr', 'Nkoo', 'Syrc', 'Thaa'])

/** Returns the font of East Asian letters. */
export function eastAsianFont({ language }: BookScript): string {
  return eastAsianFonts[likely(language).script ?? ''] ?? 'SimSun'
}

/** The language of a text, as word processors ask for it: with the kind of its letters and the region. */
export interface WritingLanguage {
  readonly kind: 'western' | 'eastAsian' | 'complex'
  readonly language: string
  readonly region: string | undefined
}

/** Returns the language of a text; undefined where it is not known. */
export function writingLanguage({ language: tag }: BookScript): WritingLanguage | undefined {
  if (tag === 'und') return undefined
  const { language, script = '', region } = likely(tag)
  const isComplex = rightToLeftScripts.has(script)
  return {
    kind: script in eastAsianFonts ? 'eastAsian' : isComplex ? 'complex' : 'western',
    language,
    region,
  }
}

/** Returns a language with the script and the region in which it is usually written. */
function likely(language: string): Intl.Locale {
  return new Intl.Locale(language).maximize()
}
