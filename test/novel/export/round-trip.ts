import type { Book, BookPart, BookWriter } from '../../../src/novel/export/book.ts'
import { readChapters } from '../../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText, type TextSurvey } from '../../../src/novel/import/survey.ts'
import { defined } from '../../../src/task/defined.ts'

/** A book with the given parts. */
export function bookOf(
  parts: readonly BookPart[],
  about: Partial<Pick<Book, 'title' | 'author' | 'language'>> = {},
): Book {
  return {
    id: 'the-book',
    title: 'The Book',
    updatedAt: 0,
    ...about,
    async *parts() {
      yield* parts
    },
  }
}

/** A chapter with scenes of the given texts, in a volume of its own. */
export function chapterOf(...contents: string[]): BookPart[] {
  const scenes = contents.map(content => ({ kind: 'scene', content }) as const)
  return [{ kind: 'volume', title: 'One' }, { kind: 'chapter', title: 'Chapter 1' }, ...scenes]
}

/** The bytes of a book in a format. */
export async function fileOf(writer: BookWriter, book: Book): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of writer(book)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What the import makes of a file. */
export interface Imported {
  survey: TextSurvey
  book: Book
  parts: readonly BookPart[]
}

/** Reads a file as the import does, or some of its chapters. */
export async function imported(
  file: Uint8Array | string,
  name = 'the-file.md',
  chapters?: readonly number[],
): Promise<Imported> {
  const source = bytesSource(Buffer.from(file), name)
  const survey = await surveyText(source)
  const parts: BookPart[] = []
  for await (const piece of readChapters(source, survey, defined({ chapters }))) {
    const { kind } = piece
    if (kind === 'volume' || kind === 'chapter') parts.push({ kind, title: piece.title })
    else if (kind === 'scene') parts.push({ kind, ...defined({ title: piece.title }), content: piece.text })
  }
  const { title, author, language } = survey
  return { survey, book: bookOf(parts, defined({ title, author, language })), parts }
}

/** The texts of the scenes, by chapter. */
export function textsOf(parts: readonly BookPart[]): { title: string; texts: string[] }[] {
  const chapters: { title: string; texts: string[] }[] = []
  for (const part of parts) {
    if (part.kind === 'chapter') chapters.push({ title: part.title, texts: [] })
    else if (part.kind === 'scene') chapters.at(-1)?.texts.push(part.content)
  }
  return chapters
}
