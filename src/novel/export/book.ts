/**
 * A novel as it is written into a file. Every format is a writer: it reads the book part by part and gives the bytes of the file, so that no
 * more than a chapter is in memory.
 */

/** A volume, a chapter or a scene. */
export type BookPart =
  | {
      readonly kind: 'volume'
      /** Empty for a novel that is not divided into volumes: formats leave its heading out. */
      readonly title: string
    }
  | { readonly kind: 'chapter'; readonly title: string }
  | { readonly kind: 'scene'; readonly title?: string; readonly content: string }

/** A text before or after the story, such as a dedication. */
export interface BookMatter {
  readonly title?: string | undefined
  readonly text: string
}

/** A novel, or a part of one, to be written. */
export interface Book {
  /** The same for every export of the novel. */
  readonly id: string
  readonly title: string
  readonly author?: string
  /** BCP 47 tag. */
  readonly language?: string
  /** When the text changed last, epoch milliseconds. */
  readonly updatedAt: number
  /** What is written in place of the text. Such a file is not read back as the novel. */
  readonly content?: 'outline' | 'codex'
  readonly frontMatter?: readonly BookMatter[]
  readonly endMatter?: readonly BookMatter[]
  /** In reading order: a volume before its chapters, a chapter before its scenes. Each call reads from the beginning. */
  parts(): AsyncIterable<BookPart>
}

/** How a document is laid out: as a book, or as editors ask for manuscripts. */
export type BookLayout = 'book' | 'manuscript'

/** Choices of a format. */
export interface BookOptions {
  /** Of a DOCX or an ODT; other formats ignore it. Default: book. */
  readonly layout?: BookLayout
  /** Lines below the author at the top of a manuscript, such as an address. */
  readonly contact?: readonly string[]
}

/** Returns the bytes of the file, in pieces. */
export type BookWriter = (book: Book, options?: BookOptions) => AsyncIterable<Uint8Array>
