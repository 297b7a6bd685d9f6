import type { BookLayout } from './book.ts'
import { wordSpaces } from './docx-package.ts'
import type { BookScript } from './script.ts'
import { xmlDeclaration } from './xml.ts'

/** A style of paragraphs. Its name is the one by which Word, and the import, knows it. */
interface Style {
  readonly name: string
  readonly basedOn?: string
  /** The style of the paragraph after it. */
  readonly next?: string
  /** Properties of the paragraph and of its text, in the order of the schema. */
  readonly paragraph?: string
  readonly text?: string
}

/** Returns the styles of a document. */
export function stylesXml(script: BookScript, layout: BookLayout): string {
  const styles = layout === 'book' ? bookStyles(script) : manuscriptStyles
  const normal: Style = {
    name: 'Normal',
    paragraph: script.isRightToLeft ? '<w:bidi/>' : '',
    text: script.isRightToLeft ? '<w:rtl/>' : '',
  }
  const all = { Normal: normal, ...styles }
  return [
    `${xmlDeclaration}<w:styles ${wordSpaces}>`,
    `<w:docDefaults><w:rPrDefault><w:rPr>${fonts(script)}<w:sz w:val="24"/><w:szCs w:val="24"/>${languageXml(script)}</w:rPr></w:rPrDefault><w:pPrDefault/></w:docDefaults>`,
    ...Object.entries(all).map(([id, style]) => styleXml(id, style)),
    '</w:styles>',
  ].join('\n')
}

function styleXml(id: string, { name, basedOn = 'Normal', next, paragraph = '', text = '' }: Style): string {
  const isNormal = id === 'Normal'
  return [
    `<w:style w:type="paragraph"${isNormal ? ' w:default="1"' : ''} w:styleId="${id}"><w:name w:val="${name}"/>`,
    isNormal ? '' : `<w:basedOn w:val="${basedOn}"/>`,
    next === undefined ? '' : `<w:next w:val="${next}"/>`,
    '<w:qFormat/>',
    paragraph === '' ? '' : `<w:pPr>${paragraph}</w:pPr>`,
    text === '' ? '' : `<w:rPr>${text}</w:rPr>`,
    '</w:style>',
  ].join('')
}

const center = '<w:jc w:val="center"/>'

function spacing(before: number, after: number): string {
  return `<w:spacing w:before="${before}" w:after="${after}"/>`
}

function size(points: number): string {
  return `<w:sz w:val="${points * 2}"/><w:szCs w:val="${points * 2}"/>`
}

function outline(level: number): string {
  return `<w:outlineLvl w:val="${level}"/>`
}

/** Begins on a page of its own. */
const newPage = '<w:keepNext/><w:pageBreakBefore/>'

function bookStyles({ isEastAsian }: BookScript): Readonly<Record<string, Style>> {
  const indent = isEastAsian
    ? '<w:ind w:firstLineChars="200" w:firstLine="480"/>'
    : '<w:ind w:firstLine="360"/>'
  return {
    Title: { name: 'Title', paragraph: spacing(3_600, 480) + center, text: `<w:b/><w:bCs/>${size(26)}` },
    Author: { name: 'Author', paragraph: center, text: size(16) },
    Heading1: {
      name: 'heading 1',
      next: 'BodyText',
      paragraph: newPage + spacing(3_600, 480) + center + outline(0),
      text: `<w:b/><w:bCs/>${size(20)}`,
    },
    Heading2: {
      name: 'heading 2',
      next: 'BodyText',
      paragraph: newPage + spacing(1_440, 720) + center + outline(1),
      text: `<w:b/><w:bCs/>${size(16)}`,
    },
    Heading3: {
      name: 'heading 3',
      next: 'BodyText',
      paragraph: `<w:keepNext/>${spacing(360, 240)}${center}${outline(2)}`,
      text: `<w:b/><w:bCs/>${size(13)}`,
    },
    BodyText: {
      name: 'Body Text',
      paragraph: `<w:spacing w:line="320" w:lineRule="auto"/>${indent}<w:jc w:val="both"/>`,
    },
    TextLine: { name: 'Text Line', basedOn: 'BodyText' },
    SceneBreak: { name: 'Scene Break', next: 'BodyText', paragraph: spacing(240, 240) + center },
    Margin: { name: 'footer', paragraph: center, text: size(10) },
  }
}

const double = '<w:spacing w:line="480" w:lineRule="auto"/>'
/** A third down the page. */
const lowered = '<w:spacing w:before="3600" w:line="480" w:lineRule="auto"/>'

/** The standard form of manuscripts: one font and size, double-spaced, a first line indented by half an inch. */
const manuscriptStyles: Readonly<Record<string, Style>> = {
  /** Letter paper has 6.5 inches between its margins. */
  TitlePageTop: {
    name: 'Title Page Top',
    paragraph: '<w:tabs><w:tab w:val="right" w:pos="9360"/></w:tabs>',
  },
  Title: { name: 'Title', paragraph: lowered + center },
  Author: { name: 'Author', paragraph: double + center },
  Heading1: { name: 'heading 1', next: 'BodyText', paragraph: newPage + lowered + center + outline(0) },
  Heading2: { name: 'heading 2', next: 'BodyText', paragraph: newPage + lowered + center + outline(1) },
  Heading3: {
    name: 'heading 3',
    next: 'BodyText',
    paragraph: `<w:keepNext/>${double}${center}${outline(2)}`,
  },
  BodyText: { name: 'Body Text', paragraph: `${double}<w:ind w:firstLine="720"/>` },
  TextLine: { name: 'Text Line', basedOn: 'BodyText' },
  SceneBreak: { name: 'Scene Break', next: 'BodyText', paragraph: double + center },
  Margin: { name: 'header', paragraph: '<w:jc w:val="right"/>' },
}

/** Fonts of East Asian letters by script; a book has one font for each kind of letters. */
const eastAsianFonts: Readonly<Record<string, string>> = {
  Hans: 'SimSun',
  Hant: 'PMingLiU',
  Jpan: 'MS Mincho',
  Kore: 'Batang',
}
const rightToLeftScripts = new Set(['Arab', 'Hebr', 'Nkoo', 'Syrc', 'Thaa'])

function fonts({ language }: BookScript): string {
  const latin = ['ascii', 'hAnsi', 'cs'].map(kind => `w:${kind}="Times New Roman"`)
  const eastAsian = eastAsianFonts[likely(language).script ?? ''] ?? 'SimSun'
  return `<w:rFonts ${latin.join(' ')} w:eastAsia="${eastAsian}"/>`
}

/** Returns the language of the text, with the region that Word asks for. */
function languageXml({ language }: BookScript): string {
  if (language === 'und') return ''
  const { language: name, script = '', region } = likely(language)
  const kind = script in eastAsianFonts ? 'eastAsia' : rightToLeftScripts.has(script) ? 'bidi' : 'val'
  return `<w:lang w:${kind}="${region === undefined ? name : `${name}-${region}`}"/>`
}

/** Returns a language with the script and the region in which it is usually written. */
function likely(language: string): Intl.Locale {
  return new Intl.Locale(language).maximize()
}
