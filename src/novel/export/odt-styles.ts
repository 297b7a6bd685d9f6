import type { Book, BookLayout } from './book.ts'
import { type DocumentParagraph, marginText } from './document.ts'
import {
  eastAsianFont,
  latinFont,
  type ParagraphStyle,
  paperMargin,
  type StyleId,
  sheets,
  stylesOf,
  textSize,
  writingLanguage,
} from './document-styles.ts'
import type { BookScript } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

/** The namespaces of the parts. */
export const officeSpaces = [
  ...['office', 'text', 'style', 'meta'].map(name => [name, name]),
  ['fo', 'xsl-fo-compatible'],
  ['svg', 'svg-compatible'],
]
  .map(([prefix, name]) => `xmlns:${prefix}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`)
  .concat('xmlns:dc="http://purl.org/dc/elements/1.1/"')
  .join(' ')

/** Names under which LibreOffice knows styles that Word calls otherwise. */
const names: Readonly<Partial<Record<StyleId, string>>> = {
  BodyText: 'Text body',
  Heading1: 'Heading 1',
  Heading2: 'Heading 2',
  Heading3: 'Heading 3',
  Margin: 'Page Number Line',
}

/** Returns the name of a style as a document has it, where `_20_` is a space. */
export function styleName(id: StyleId): string {
  return (names[id] ?? id.replace(/(?<=[a-z])(?=[A-Z])/g, ' ')).replaceAll(' ', '_20_')
}

/** The page of the title, which has no number. */
const titlePage = 'First_20_Page'

type Place = NonNullable<DocumentParagraph['place']>
const flush = 'fo:text-indent="0pt"'
const places: Readonly<Record<Place, { readonly style?: string; readonly paragraph?: string }>> = {
  flush: { paragraph: flush },
  center: { paragraph: `${flush} fo:text-align="center"` },
  first: { style: ` style:master-page-name="${titlePage}"` },
}

/** Returns the name of a style with another place. */
export function placedStyle(id: StyleId, place: Place): string {
  return `${id}-${place}`
}

/** The styles of paragraphs that are placed unlike their style. */
export const placedStylesXml = (
  [
    ['BodyText', 'flush'],
    ['BodyText', 'center'],
    ['TextLine', 'flush'],
    ['TextLine', 'center'],
    ['Title', 'first'],
    ['TitlePageTop', 'first'],
  ] as const
)
  .map(([id, place]) => {
    const { style = '', paragraph } = places[place]
    const properties = paragraph === undefined ? '' : `<style:paragraph-properties ${paragraph}/>`
    return `<style:style style:name="${placedStyle(id, place)}" style:family="paragraph" style:parent-style-name="${styleName(id)}"${style}>${properties}</style:style>`
  })
  .join('')

/** Returns the part with the styles and the pages of a document. */
export function stylesXml(book: Book, script: BookScript, layout: BookLayout): string {
  const fonts = [...new Set([latinFont, eastAsianFont(script)])].map(
    font => `<style:font-face style:name="${font}" svg:font-family="'${font}'"/>`,
  )
  return [
    `${xmlDeclaration}<office:document-styles ${officeSpaces} office:version="1.3">`,
    `<office:font-face-decls>${fonts.join('')}</office:font-face-decls>`,
    `<office:styles>${defaultXml(script)}<style:style style:name="Standard" style:family="paragraph"/>`,
    ...Object.entries(stylesOf(book, script, layout)).map(([id, style]) => styleXml(id as StyleId, style)),
    `</office:styles><office:automatic-styles>${paperXml(script, layout)}</office:automatic-styles>`,
    `<office:master-styles>${pagesXml(book, layout)}</office:master-styles></office:document-styles>`,
  ].join('\n')
}

const languageKinds = { western: '', eastAsian: '-asian', complex: '-complex' } as const

/** Returns what all styles begin with: fonts, size, language and direction. */
function defaultXml(script: BookScript): string {
  const found = writingLanguage(script)
  const kind = found === undefined ? '' : languageKinds[found.kind]
  const prefix = kind === '' ? 'fo' : 'style'
  const language =
    found === undefined
      ? ''
      : ` ${prefix}:language${kind}="${found.language}" ${prefix}:country${kind}="${found.region ?? 'none'}"`
  const fonts = `style:font-name="${latinFont}" style:font-name-asian="${eastAsianFont(script)}" style:font-name-complex="${latinFont}"`
  return `<style:default-style style:family="paragraph"><style:paragraph-properties ${directionOf(script)}/><style:text-properties ${fonts} ${sizes(textSize)}${language}/></style:default-style>`
}

function directionOf({ isRightToLeft }: BookScript): string {
  return `style:writing-mode="${isRightToLeft ? 'rl-tb' : 'lr-tb'}"`
}

function sizes(points: number): string {
  return ['fo:font-size', 'style:font-size-asian', 'style:font-size-complex']
    .map(name => `${name}="${points}pt"`)
    .join(' ')
}

function styleXml(id: StyleId, style: ParagraphStyle): string {
  const name = styleName(id)
  const { basedOn, next, level } = style
  return [
    `<style:style style:name="${name}" style:display-name="${name.replaceAll('_20_', ' ')}" style:family="paragraph"`,
    ` style:parent-style-name="${basedOn === undefined ? 'Standard' : styleName(basedOn)}"`,
    next === undefined ? '' : ` style:next-style-name="${styleName(next)}"`,
    level === undefined ? '' : ` style:default-outline-level="${level}"`,
    '>',
    paragraphXml(style),
    textXml(style),
    '</style:style>',
  ].join('')
}

const aligned = { center: 'center', justify: 'justify', end: 'end' } as const

function paragraphXml(style: ParagraphStyle): string {
  const { before, after, lineHeight, indent, align, startsPage, keepsNext, tab } = style
  const attributes = [
    before === undefined ? '' : `fo:margin-top="${before}pt"`,
    after === undefined ? '' : `fo:margin-bottom="${after}pt"`,
    lineHeight === undefined ? '' : `fo:line-height="${Math.round(lineHeight * 100)}%"`,
    indent === undefined ? '' : `fo:text-indent="${indent}pt"`,
    align === undefined ? '' : `fo:text-align="${aligned[align]}"`,
    startsPage === true ? 'fo:break-before="page"' : '',
    keepsNext === true ? 'fo:keep-with-next="always"' : '',
  ]
  const all = attributes.filter(each => each !== '').join(' ')
  if (tab === undefined) return all === '' ? '' : `<style:paragraph-properties ${all}/>`
  const stop = `<style:tab-stops><style:tab-stop style:position="${tab}pt" style:type="right"/></style:tab-stops>`
  return `<style:paragraph-properties ${all}>${stop}</style:paragraph-properties>`
}

function textXml({ isBold, size }: ParagraphStyle): string {
  const weights = ['fo:font-weight', 'style:font-weight-asian', 'style:font-weight-complex']
  const bold = isBold === true ? weights.map(name => `${name}="bold"`) : []
  const attributes = [...bold, ...(size === undefined ? [] : [sizes(size)])]
  return attributes.length === 0 ? '' : `<style:text-properties ${attributes.join(' ')}/>`
}

/** Returns the paper, with room for the number of the page at its top or its foot. */
function paperXml(script: BookScript, layout: BookLayout): string {
  const { width, height, margin } = sheets[layout]
  const inner = (name: string, edge: string) =>
    `<style:${name}-style><style:header-footer-properties fo:min-height="${paperMargin / 2}pt" fo:margin-${edge}="${paperMargin / 4}pt"/></style:${name}-style>`
  return [
    `<style:page-layout style:name="Paper"><style:page-layout-properties fo:page-width="${width}pt" fo:page-height="${height}pt"`,
    ...['top', 'right', 'bottom', 'left'].map(side => {
      const hasMargin = (side === 'top' ? 'header' : side === 'bottom' ? 'footer' : '') === margin
      return ` fo:margin-${side}="${hasMargin ? paperMargin / 2 : paperMargin}pt"`
    }),
    ` ${directionOf(script)}/>`,
    margin === 'header' ? inner('header', 'bottom') : inner('footer', 'top'),
    '</style:page-layout>',
  ].join('')
}

function pagesXml(book: Book, layout: BookLayout): string {
  const { margin } = sheets[layout]
  const page = (name: string, more: string, inside: string) =>
    `<style:master-page style:name="${name}" style:display-name="${name.replaceAll('_20_', ' ')}" style:page-layout-name="Paper"${more}>${inside}</style:master-page>`
  const number = '<text:page-number text:select-page="current">1</text:page-number>'
  const text = `<text:p text:style-name="${styleName('Margin')}">${escapeXml(marginText(book, layout))}${number}</text:p>`
  return [
    page('Standard', '', `<style:${margin}>${text}</style:${margin}>`),
    page(titlePage, ' style:next-style-name="Standard"', ''),
  ].join('')
}
