import { type Archive, resolveTarget } from '../archive.ts'
import { HeadingHolder, LineWriter, partLines } from '../book-lines.ts'
import { damaged } from '../bounds.ts'
import type { CharacterFaults, Line } from '../lines.ts'
import { type BookFacts, factsOf, type LeftOut, type OpenedText } from '../opened.ts'
import { localName, readPart, xmlEncoding } from '../xml.ts'
import { DocumentEvents } from './document-events.ts'
import { type PurposeOf, readStyles } from './styles.ts'

/** Whether an archive is a Word document: it lists its parts, and its main part is a text. */
export async function isDocx(archive: Archive): Promise<boolean> {
  if (!archive.has('[Content_Types].xml')) return false
  if (archive.has('word/document.xml')) return true
  const main = await mainPart(archive)
  return main !== undefined && archive.has(main) && isTextPart(archive, main)
}

/**
 * Opens a Word document: its properties, and its text with headings by their styles. Throws what `Archive.read` and `XmlReader` throw, and
 * FILE_DAMAGED where its main part is not well-formed.
 */
export async function openDocx(archive: Archive): Promise<OpenedText> {
  const main = (await mainPart(archive)) ?? 'word/document.xml'
  const parts = await relationsOf(archive, main)
  const purposeOf = await readStyles(archive, parts.get('styles') ?? 'word/styles.xml')
  return {
    kind: 'docx',
    encoding: { name: await xmlEncoding(archive.read(main)), confidence: 1 },
    facts: await coreFacts(archive),
    declared: false,
    lines: (faults, leftOut) => documentLines(archive, main, purposeOf, { faults, leftOut }),
  }
}

async function* documentLines(
  archive: Archive,
  name: string,
  purposeOf: PurposeOf,
  { faults, leftOut }: { faults: CharacterFaults; leftOut: LeftOut },
): AsyncGenerator<Line[]> {
  const writer = new LineWriter(faults)
  const out = new HeadingHolder(writer, false)
  const events = new DocumentEvents(out, purposeOf, leftOut)
  const isBroken = (yield* partLines(archive, name, { events, writer })) > 0
  if (isBroken) throw damaged('is broken: its text is not the XML that it should be')
  out.release()
  yield writer.take()
}

/** Returns the main part that the package names. */
async function mainPart(archive: Archive): Promise<string | undefined> {
  return (await relationsOf(archive, '')).get('officeDocument')
}

async function isTextPart(archive: Archive, main: string): Promise<boolean> {
  let isText = false
  await readPart(archive, '[Content_Types].xml', {
    open(_, { PartName, ContentType = '' }) {
      if (PartName === `/${main}`) isText = /wordprocessingml|ms-word/.test(ContentType)
    },
  })
  return isText
}

/** Returns the parts that a part names, by the last word of their relation. Of two with the same relation the first counts. */
async function relationsOf(archive: Archive, part: string): Promise<ReadonlyMap<string, string>> {
  const nameAt = part.lastIndexOf('/') + 1
  const list = `${part.slice(0, nameAt)}_rels/${part.slice(nameAt)}.rels`
  const relations = new Map<string, string>()
  if (!archive.has(list)) return relations
  await readPart(archive, list, {
    open(name, { Type = '', Target = '', TargetMode }) {
      if (localName(name) !== 'Relationship' || TargetMode === 'External') return
      const kind = Type.split('/').at(-1) ?? ''
      const target = resolveTarget(part, Target)
      if (target !== undefined && wantedParts.has(kind) && !relations.has(kind))
        relations.set(kind, target.file)
    },
  })
  return relations
}

const wantedParts = new Set(['officeDocument', 'styles', 'core-properties'])

/** Default titles and authors of word processors. */
const placeholders =
  /^(?:word document|document ?\d*|untitled(?: document)?|无标题|administrator|admin|user|(?:microsoft(?: office)?|windows|office) (?:user|用户)|微软用户|用户|un-?named|unknown|python-docx)$/i

/** Reads title, author and language from the properties of the document. */
async function coreFacts(archive: Archive): Promise<BookFacts> {
  const part = (await relationsOf(archive, '')).get('core-properties') ?? 'docProps/core.xml'
  if (!archive.has(part)) return {}
  const fields = new Map<string, string>()
  let text = ''
  await readPart(archive, part, {
    open() {
      text = ''
    },
    close(name) {
      const field = localName(name)
      const isNew = ['title', 'creator', 'language'].includes(field) && !fields.has(field)
      if (isNew && !placeholders.test(text.trim())) fields.set(field, text)
      text = ''
    },
    text(piece) {
      if (text.length < 1_000) text += piece
    },
  })
  return factsOf({
    title: fields.get('title'),
    author: fields.get('creator')?.replaceAll(';', ', '),
    language: fields.get('language'),
  })
}
