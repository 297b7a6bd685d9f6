import type { Book, BookLayout } from './book.ts'
import {
  eastAsianFont,
  latinFont,
  type ParagraphStyle,
  stylesOf,
  textSize,
  writingLanguage,
} from './document-styles.ts'
import { wordSpaces } from './docx-package.ts'
import type { BookScript } from './script.ts'
import { xmlDeclaration } from './xml.ts'

/** Returns the styles of a document. */
export function stylesXml(book: Book, script: BookScript, layout: BookLayout): string {
  return [
    `${xmlDeclaration}<w:styles ${wordSpaces}>`,
    `<w:docDefaults><w:rPrDefault><w:rPr>${fonts(script)}${sizeXml(textSize)}${languageXml(script)}</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>`,
    normalXml(script),
    ...Object.entries(stylesOf(book, script, layout)).map(([id, style]) => styleXml(id, style)),
    '</w:styles>',
  ].join('\n')
}

/** Returns the style that all others are based on. */
function normalXml({ isRightToLeft }: BookScript): string {
  const direction = isRightToLeft ? '<w:pPr><w:bidi/></w:pPr><w:rPr><w:rtl/></w:rPr>' : ''
  return `<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>${direction}</w:style>`
}

function styleXml(id: string, style: ParagraphStyle): string {
  const { name, basedOn = 'Normal', next } = style
  const [paragraph, text] = [paragraphXml(style), textXml(style)]
  return [
    `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/><w:basedOn w:val="${basedOn}"/>`,
    next === undefined ? '' : `<w:next w:val="${next}"/>`,
    '<w:qFormat/>',
    paragraph === '' ? '' : `<w:pPr>${paragraph}</w:pPr>`,
    text === '' ? '' : `<w:rPr>${text}</w:rPr>`,
    '</w:style>',
  ].join('')
}

const aligned = { center: 'center', justify: 'both', end: 'right' } as const

/** Returns the properties of a paragraph, in the order of the schema. */
function paragraphXml(style: ParagraphStyle): string {
  const { keepsNext, startsPage, tab, indent, indentCharacters, align, level } = style
  const characters = indentCharacters === undefined ? '' : ` w:firstLineChars="${indentCharacters * 100}"`
  return [
    keepsNext === true ? '<w:keepNext/>' : '',
    startsPage === true ? '<w:pageBreakBefore/>' : '',
    tab === undefined ? '' : `<w:tabs><w:tab w:val="right" w:pos="${twentieths(tab)}"/></w:tabs>`,
    spacingXml(style),
    indent === undefined ? '' : `<w:ind${characters} w:firstLine="${twentieths(indent)}"/>`,
    align === undefined ? '' : `<w:jc w:val="${aligned[align]}"/>`,
    level === undefined ? '' : `<w:outlineLvl w:val="${level - 1}"/>`,
  ].join('')
}

function spacingXml({ before, after, lineHeight }: ParagraphStyle): string {
  const attributes = [
    before === undefined ? '' : ` w:before="${twentieths(before)}"`,
    after === undefined ? '' : ` w:after="${twentieths(after)}"`,
    lineHeight === undefined ? '' : ` w:line="${Math.round(lineHeight * 240)}" w:lineRule="auto"`,
  ].join('')
  return attributes === '' ? '' : `<w:spacing${attributes}/>`
}

function textXml({ isBold, size }: ParagraphStyle): string {
  return (isBold === true ? '<w:b/><w:bCs/>' : '') + (size === undefined ? '' : sizeXml(size))
}

function sizeXml(points: number): string {
  return `<w:sz w:val="${points * 2}"/><w:szCs w:val="${points * 2}"/>`
}

/** Returns points in the unit of Word. */
export function twentieths(points: number): number {
  return Math.round(points * 20)
}

function fonts(script: BookScript): string {
  const latin = ['ascii', 'hAnsi', 'cs'].map(kind => `w:${kind}="${latinFont}"`)
  return `<w:rFonts ${latin.join(' ')} w:eastAsia="${eastAsianFont(script)}"/>`
}

const languageKinds = { western: 'val', eastAsian: 'eastAsia', complex: 'bidi' } as const

function languageXml(script: BookScript): string {
  const found = writingLanguage(script)
  if (found === undefined) return ''
  const { kind, language, region } = found
  return `<w:lang w:${languageKinds[kind]}="${region === undefined ? language : `${language}-${region}`}"/>`
}
