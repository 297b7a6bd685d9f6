/** The formats that a novel is exported in, each a line of the table. */
import type { Book, BookLayout, BookWriter } from './book.ts'

/** A format of exported novels. */
export interface ExportFormat {
  /** Of its files, without a dot. */
  readonly extension: string
  readonly mediaType: string
  /** Whether a document can be laid out in more than one way. */
  readonly hasLayouts?: true
  /** Loads what writes it; absent of an archive, which is written from the records of a novel, and not from its text. */
  readonly writer?: () => Promise<BookWriter>
}

const table = {
  md: {
    extension: 'md',
    mediaType: 'text/markdown; charset=utf-8',
    writer: async () => (await import('./markdown.ts')).writeMarkdown,
  },
  docx: {
    extension: 'docx',
    mediaType: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    hasLayouts: true,
    writer: async () => (await import('./docx.ts')).writeDocx,
  },
  odt: {
    extension: 'odt',
    mediaType: 'application/vnd.oasis.opendocument.text',
    hasLayouts: true,
    writer: async () => (await import('./odt.ts')).writeOdt,
  },
  epub: {
    extension: 'epub',
    mediaType: 'application/epub+zip',
    writer: async () => (await import('./epub.ts')).writeEpub,
  },
  txt: {
    extension: 'txt',
    mediaType: 'text/plain; charset=utf-8',
    writer: async () => (await import('./plain-text.ts')).writePlainText,
  },
  /** All of a novel, to be imported again. */
  archive: { extension: 'quillwork', mediaType: 'application/vnd.quillwork.archive+zip' },
} as const satisfies Readonly<Record<string, ExportFormat>>

/** The name of a format. */
export type FormatName = keyof typeof table

/** The formats by their names. */
export const exportFormats: Readonly<Record<FormatName, ExportFormat>> = table

/** The names of the formats; the first is the usual one. */
export const formatNames = Object.keys(table) as [FormatName, ...FormatName[]]

/** The layouts of a document. */
export const bookLayouts = ['book', 'manuscript'] as const satisfies readonly BookLayout[]

/** What a file holds of a novel. */
export const exportContents = ['text', 'outline', 'codex'] as const satisfies readonly (
  | 'text'
  | NonNullable<Book['content']>
)[]

/** A file of several files, one of each chapter. */
export const zip = { extension: 'zip', mediaType: 'application/zip' } as const
