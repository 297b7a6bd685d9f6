import { ownProgram } from '../import/exported-lines.ts'
import type { ArchiveFile } from './archive.ts'
import { titleLine } from './blocks.ts'
import type { Book } from './book.ts'
import type { Sheet } from './document-styles.ts'
import type { BookScript } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

type MarginKind = Sheet['margin']

const office = 'http://schemas.openxmlformats.org/officeDocument/2006'
const opc = 'http://schemas.openxmlformats.org/package/2006'

/** The namespaces of the main part and of the margins. */
export const wordSpaces = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="${office}/relationships"`

/** The id by which the main part names the margin. */
export const marginRelation = 'rId3'

/** Yields the files of a Word document beside its text: what it consists of, its properties and its settings. */
export function* packageFiles(book: Book, script: BookScript, margin: MarginKind): Generator<ArchiveFile> {
  yield { name: '[Content_Types].xml', content: contentTypes(margin) }
  yield {
    name: '_rels/.rels',
    content: relationships([
      [`${office}/relationships/officeDocument`, 'word/document.xml'],
      [`${opc}/relationships/metadata/core-properties`, 'docProps/core.xml'],
      [`${office}/relationships/extended-properties`, 'docProps/app.xml'],
    ]),
  }
  yield { name: 'docProps/core.xml', content: coreProperties(book, script) }
  yield { name: 'docProps/app.xml', content: programProperties(book) }
  const parts = ['styles', 'settings', margin]
  yield {
    name: 'word/_rels/document.xml.rels',
    content: relationships(parts.map(kind => [`${office}/relationships/${kind}`, `${kind}.xml`])),
  }
  yield { name: 'word/settings.xml', content: settings }
}

function contentTypes(margin: MarginKind): string {
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml'
  const types = [
    ['word/document', `${word}.document.main`],
    ['word/styles', `${word}.styles`],
    ['word/settings', `${word}.settings`],
    [`word/${margin}`, `${word}.${margin}`],
    ['docProps/core', 'application/vnd.openxmlformats-package.core-properties'],
    ['docProps/app', 'application/vnd.openxmlformats-officedocument.extended-properties'],
  ]
  const relations = 'application/vnd.openxmlformats-package.relationships+xml'
  return [
    `${xmlDeclaration}<Types xmlns="${opc}/content-types">`,
    `<Default Extension="rels" ContentType="${relations}"/>`,
    '<Default Extension="xml" ContentType="application/xml"/>',
    ...types.map(([part, type]) => `<Override PartName="/${part}.xml" ContentType="${type}+xml"/>`),
    '</Types>',
  ].join('')
}

/** `parts`: the kinds of the relations with their targets. */
function relationships(parts: readonly (readonly [kind: string, target: string])[]): string {
  const each = parts.map(
    ([kind, target], i) => `<Relationship Id="rId${i + 1}" Type="${kind}" Target="${target}"/>`,
  )
  return `${xmlDeclaration}<Relationships xmlns="${opc}/relationships">${each.join('')}</Relationships>`
}

function coreProperties({ title, author, updatedAt }: Book, { language }: BookScript): string {
  const time = new Date(updatedAt).toISOString().replace(/\.\d+/, '')
  const dates = ['created', 'modified'].map(
    name => `<dcterms:${name} xsi:type="dcterms:W3CDTF">${time}</dcterms:${name}>`,
  )
  return [
    `${xmlDeclaration}<cp:coreProperties xmlns:cp="${opc}/metadata/core-properties" `,
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" ',
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    `<dc:title>${escapeXml(titleLine(title))}</dc:title>`,
    author === undefined ? '' : `<dc:creator>${escapeXml(titleLine(author))}</dc:creator>`,
    language === 'und' ? '' : `<dc:language>${language}</dc:language>`,
    ...dates,
    '</cp:coreProperties>',
  ].join('')
}

/** Returns the properties with the name of the program, by which the import reads a document as a novel, and exactly. */
function programProperties({ content }: Book): string {
  const program = content === undefined ? `<Application>${ownProgram}</Application>` : ''
  return `${xmlDeclaration}<Properties xmlns="${office}/extended-properties">${program}</Properties>`
}

/** Without this mode, Word treats the document as one of 2007. */
const settings = `${xmlDeclaration}<w:settings ${wordSpaces}><w:compat><w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>`
