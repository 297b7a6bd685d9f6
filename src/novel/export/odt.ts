import { ownProgram } from '../import/exported-lines.ts'
import { type ArchiveFile, archived } from './archive.ts'
import { titleLine } from './blocks.ts'
import type { Book, BookOptions, BookWriter } from './book.ts'
import { type DocumentParagraph, documentParagraphs } from './document.ts'
import { officeSpaces, placedStyle, placedStylesXml, styleName, stylesXml } from './odt-styles.ts'
import { type BookScript, scriptOf } from './script.ts'
import { escapeXml, xmlDeclaration } from './xml.ts'

const mediaType = 'application/vnd.oasis.opendocument.text'

/**
 * Writes a book as an OpenDocument text, as `writeDocx` writes it as a Word document: the same paragraphs and the same look. The import reads it back
 * exactly, as long as no other program saves it. Holds one scene in memory; a manuscript is read twice, for the number of its words.
 */
export const writeOdt: BookWriter = (book, options = {}) =>
  archived(documentFiles(book, options), book.updatedAt)

/** Yields the files of a document. The type comes first, as the format asks. */
async function* documentFiles(book: Book, options: BookOptions): AsyncGenerator<ArchiveFile> {
  const script = await scriptOf(book)
  yield { name: 'mimetype', content: mediaType, isStored: true }
  yield { name: 'META-INF/manifest.xml', content: manifest }
  yield { name: 'meta.xml', content: metaXml(book, script) }
  yield { name: 'styles.xml', content: stylesXml(book, script, options.layout ?? 'book') }
  yield { name: 'content.xml', content: contentXml(book, script, options) }
}

const manifest = [
  `${xmlDeclaration}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">`,
  `<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="${mediaType}"/>`,
  ...['content', 'styles', 'meta'].map(
    part => `<manifest:file-entry manifest:full-path="${part}.xml" manifest:media-type="text/xml"/>`,
  ),
  '</manifest:manifest>',
].join('')

function metaXml({ title, author, updatedAt, content }: Book, { language }: BookScript): string {
  const time = new Date(updatedAt).toISOString().replace(/\.\d+/, '')
  const name = author === undefined ? undefined : escapeXml(titleLine(author))
  return [
    `${xmlDeclaration}<office:document-meta ${officeSpaces} office:version="1.3"><office:meta>`,
    // The import reads a document with this name as a novel, and exactly.
    content === undefined ? `<meta:generator>${ownProgram}</meta:generator>` : '',
    `<dc:title>${escapeXml(titleLine(title))}</dc:title>`,
    name === undefined
      ? ''
      : `<meta:initial-creator>${name}</meta:initial-creator><dc:creator>${name}</dc:creator>`,
    language === 'und' ? '' : `<dc:language>${language}</dc:language>`,
    `<meta:creation-date>${time}</meta:creation-date><dc:date>${time}</dc:date>`,
    '</office:meta></office:document-meta>',
  ].join('')
}

async function* contentXml(book: Book, script: BookScript, options: BookOptions): AsyncGenerator<string> {
  yield `${xmlDeclaration}<office:document-content ${officeSpaces} office:version="1.3"><office:automatic-styles>${placedStylesXml}</office:automatic-styles><office:body><office:text>\n`
  for await (const paragraphs of documentParagraphs(book, script, options))
    yield paragraphs.map(paragraphXml).join('')
  yield '</office:text></office:body></office:document-content>'
}

function paragraphXml({ style, lines, place }: DocumentParagraph): string {
  const name = place === undefined ? styleName(style) : placedStyle(style, place)
  const level = /^Heading(\d)$/.exec(style)?.[1]
  const element = level === undefined ? 'text:p' : 'text:h'
  const outline = level === undefined ? '' : ` text:outline-level="${level}"`
  return `<${element} text:style-name="${name}"${outline}>${lines.map(lineXml).join('<text:line-break/>')}</${element}>\n`
}

/** Most spaces that one element stands for: the import reads no more. */
const mostSpaces = 100

/** Returns a line with all its spaces: only a single one between two words stands as it is. */
function lineXml(line: string): string {
  return escapeXml(line).replace(/\t|^ +| +$| {2,}| (?=\t)|(?<=\t) /g, found =>
    found === '\t' ? '<text:tab/>' : spacesXml(found.length),
  )
}

function spacesXml(count: number): string {
  const whole = `<text:s text:c="${mostSpaces}"/>`.repeat(Math.floor(count / mostSpaces))
  const rest = count % mostSpaces
  return rest === 0 ? whole : `${whole}<text:s text:c="${rest}"/>`
}
