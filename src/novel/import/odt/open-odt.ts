import { defined } from '../../../task/defined.ts'
import type { Archive } from '../archive.ts'
import { HeadingHolder, LineWriter, wholePartLines } from '../book-lines.ts'
import { encrypted } from '../bounds.ts'
import { ExportedLines, ownProgram } from '../exported-lines.ts'
import type { CharacterFaults } from '../lines.ts'
import { factsOf, isPlaceholder, type OpenedText } from '../opened.ts'
import { fieldsIn, localName, readPart, xmlEncoding } from '../xml.ts'
import { OdtEvents } from './content.ts'
import { OdtStyles } from './styles.ts'

/** The first file of an OpenDocument file, which holds its media type and nothing else. */
const typePart = 'mimetype'
const textTypes = ['text', 'text-template'].map(kind => `application/vnd.oasis.opendocument.${kind}`)
const contentPart = 'content.xml'
const manifestPart = 'META-INF/manifest.xml'

/** Whether an archive is an OpenDocument text: it says so. Spreadsheets and presentations have files of the same names. */
export async function isOdt(archive: Archive): Promise<boolean> {
  if (!archive.has(typePart)) return false
  let type = ''
  for await (const piece of archive.read(typePart)) {
    type += Buffer.from(piece).toString('latin1')
    if (type.length > 100) break
  }
  return textTypes.includes(type.trim())
}

/**
 * Opens an OpenDocument text: its properties, and its text with headings by their outline levels. Throws what `Archive.read` and `XmlReader` throw,
 * FILE_PROTECTED where it asks for a password, and FILE_DAMAGED where its text is not well-formed.
 */
export async function openOdt(archive: Archive): Promise<OpenedText> {
  if (await asksForPassword(archive)) throw encrypted('it asks for a password')
  const styles = new OdtStyles(archive.bounds)
  if (archive.has('styles.xml')) await readPart(archive, 'styles.xml', styles)
  const { isExported, facts } = await propertiesOf(archive)
  const linesOf = (faults: CharacterFaults) =>
    isExported ? new ExportedLines({ hasTitlePage: true }) : new HeadingHolder(new LineWriter(faults), false)
  return {
    kind: 'odt',
    encoding: { name: await xmlEncoding(archive.read(contentPart)), confidence: 1 },
    facts: factsOf(facts),
    declared: false,
    ...(isExported && { exported: { lines: 0, ...defined(facts) } }),
    lines(faults, leftOut) {
      const out = linesOf(faults)
      const events = new OdtEvents(out, styles.copy(), leftOut)
      return wholePartLines(archive, contentPart, { events, out })
    },
  }
}

async function asksForPassword(archive: Archive): Promise<boolean> {
  let isEncrypted = false
  if (!archive.has(manifestPart)) return isEncrypted
  await readPart(archive, manifestPart, {
    open(name) {
      isEncrypted ||= localName(name) === 'encryption-data'
    },
  })
  return isEncrypted
}

/** Reads title, author and language, and whether Quillwork wrote the document: LibreOffice names itself in one that it saves. */
async function propertiesOf(archive: Archive) {
  const names = ['title', 'initial-creator', 'creator', 'language', 'generator']
  const fields = await fieldsIn(archive, 'meta.xml', names)
  const isExported = fields.get('generator') === ownProgram
  const own = (name: string) => {
    const text = fields.get(name)
    return isExported || !isPlaceholder(text ?? '') ? text : undefined
  }
  const author = own('initial-creator') ?? own('creator')
  return { isExported, facts: { title: own('title'), author, language: own('language') } }
}
