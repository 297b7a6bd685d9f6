import { escaped } from './epub-writer.ts'
import { type ZipFile, zip } from './zip-writer.ts'

/** A document to be written. */
export interface WordDocument {
  /** XML of the body. */
  readonly body: string
  /** XML of the styles; none for a document without the part. */
  readonly styles?: string
  /** XML of the properties. */
  readonly core?: string
  /** The prefix of WordprocessingML. */
  readonly prefix?: string
  readonly extra?: readonly ZipFile[]
}

const space = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main'
const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** A paragraph, of a style where one is named. */
export function paragraph(text: string, style?: string): string {
  const properties = style === undefined ? '' : `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>`
  return `<w:p>${properties}<w:r><w:t xml:space="preserve">${escaped(text)}</w:t></w:r></w:p>`
}

/** A paragraph style. */
export function style(id: string, name: string, more = ''): string {
  return `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/>${more}</w:style>`
}

/** The files of a DOCX. */
export function docxFiles({ body, styles, core, prefix = 'w', extra = [] }: WordDocument): ZipFile[] {
  const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
  const declared = `xmlns:${prefix}="${space}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"`
  const text = `<w:document ${declared}><w:body>${body}</w:body></w:document>`
  return [
    {
      name: '[Content_Types].xml',
      content: `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`,
    },
    {
      name: '_rels/.rels',
      content: `${head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="1" Type="${relations}/officeDocument" Target="word/document.xml"/></Relationships>`,
    },
    {
      name: 'word/document.xml',
      content: head + text.replace(/<(\/?)w:/g, `<$1${prefix}:`).replace(/ w:/g, ` ${prefix}:`),
    },
    ...(styles === undefined
      ? []
      : [{ name: 'word/styles.xml', content: `${head}<w:styles xmlns:w="${space}">${styles}</w:styles>` }]),
    ...(core === undefined
      ? []
      : [
          {
            name: 'docProps/core.xml',
            content: `${head}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">${core}</cp:coreProperties>`,
          },
        ]),
    ...extra,
  ]
}

/** Writes a DOCX. */
export function docx(document: WordDocument): Buffer {
  return zip(docxFiles(document))
}
