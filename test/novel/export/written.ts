import type { Book, BookPart, BookWriter } from '../../../src/novel/export/book.ts'
import { Archive } from '../../../src/novel/import/archive.ts'
import { readChapters } from '../../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText, type TextSurvey } from '../../../src/novel/import/survey.ts'

/** A scene: its text, or its title and its text. */
export type WrittenScene = string | { readonly title: string; readonly text: string }

export interface WrittenChapter {
  readonly title: string
  readonly scenes: readonly WrittenScene[]
}

export interface WrittenVolume {
  readonly title: string
  readonly chapters: readonly WrittenChapter[]
}

type Facts = Partial<Omit<Book, 'parts'>>

/** A book of these volumes. */
export function bookOf(volumes: readonly WrittenVolume[], facts: Facts = {}): Book {
  return {
    id: 'novel-1',
    title: 'The Broken Weir',
    updatedAt: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
    ...facts,
    async *parts() {
      yield* partsOf(volumes)
    },
  }
}

function* partsOf(volumes: readonly WrittenVolume[]): Generator<BookPart> {
  for (const { title, chapters } of volumes) {
    yield { kind: 'volume', title }
    for (const chapter of chapters) {
      yield { kind: 'chapter', title: chapter.title }
      for (const scene of chapter.scenes) {
        if (typeof scene === 'string') yield { kind: 'scene', content: scene }
        else yield { kind: 'scene', title: scene.title, content: scene.text }
      }
    }
  }
}

/** A book without volumes. */
export function chaptersOf(chapters: readonly WrittenChapter[], facts: Facts = {}): Book {
  return bookOf([{ title: '', chapters }], facts)
}

/** The bytes of the file that a writer makes. */
export async function written(
  write: BookWriter,
  book: Book,
  options?: Parameters<BookWriter>[1],
): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of write(book, options)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What the import reads in a file: its survey, its volumes with their chapters and scenes, and what it takes for no text of the book. */
export async function readBack(bytes: Uint8Array, name = 'file.bin') {
  const source = bytesSource(bytes, name)
  const survey: TextSurvey = await surveyText(source)
  const volumes: { title: string; chapters: { title: string; scenes: WrittenScene[] }[] }[] = []
  const matter: string[] = []
  for await (const piece of readChapters(source, survey)) {
    if (piece.kind === 'volume') volumes.push({ title: piece.title, chapters: [] })
    else if (piece.kind === 'chapter') volumes.at(-1)?.chapters.push({ title: piece.title, scenes: [] })
    else if (piece.kind === 'matter') matter.push(piece.text)
    else {
      const { title, text } = piece
      volumes
        .at(-1)
        ?.chapters.at(-1)
        ?.scenes.push(title === undefined ? text : { title, text })
    }
  }
  return { survey, volumes, matter }
}

/** What a document can hold of a novel: of each text, and no scene without one. */
export function heldOf(volumes: readonly WrittenVolume[]): WrittenVolume[] {
  return volumes.map(({ title, chapters }) => ({
    title,
    chapters: chapters.map(chapter => ({
      title: chapter.title,
      scenes: chapter.scenes.flatMap((scene): WrittenScene[] => {
        const text = heldText(typeof scene === 'string' ? scene : scene.text)
        if (text === '') return []
        return [typeof scene === 'string' ? text : { title: scene.title, text }]
      }),
    })),
  }))
}

/** A text without what XML cannot hold, with one kind of line ends, and without blank lines around it. */
function heldText(text: string): string {
  const lines = text
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, '\n')
    .split('\n')
    .map(line => Array.from(line, heldCharacter).join(''))
    .map(line => (line.trim() === '' ? '' : line))
  const first = lines.findIndex(line => line !== '')
  return first < 0 ? '' : lines.slice(first, lines.findLastIndex(line => line !== '') + 1).join('\n')
}

function heldCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  const isControl = (code < 0x20 && code !== 0x09) || (code >= 0x7f && code < 0xa0)
  return isControl || code === 0xfffe || code === 0xffff ? '' : character
}

/** The texts of the files in an archive, by their names, in the order of its directory. */
export async function filesOf(bytes: Uint8Array): Promise<Map<string, string>> {
  const archive = await Archive.open(bytesSource(bytes))
  const files = new Map<string, string>()
  for (const name of archive.names) {
    const pieces: Uint8Array[] = []
    for await (const piece of archive.read(name)) pieces.push(piece)
    files.set(name, Buffer.concat(pieces).toString())
  }
  return files
}
