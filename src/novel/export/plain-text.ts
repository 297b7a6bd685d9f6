import type { BookPart, BookWriter } from './book.ts'

/** Writes a novel as plain text in UTF-8: its title, its headings, and its scenes, parted by `* * *`. Scenes without a text are left out. */
export const writePlainText: BookWriter = async function* (book) {
  const { title, author } = book
  const encoder = new TextEncoder()
  yield encoder.encode([title, ...(author === undefined ? [] : [author])].join('\n'))
  let before: BookPart['kind'] | undefined
  for await (const part of book.parts()) {
    const text = (part.kind === 'scene' ? part.content : part.title).trim()
    if (text === '') continue
    yield encoder.encode(`${part.kind === 'scene' && before === 'scene' ? '\n\n* * *' : ''}\n\n${text}`)
    before = part.kind
  }
  yield encoder.encode('\n')
}
