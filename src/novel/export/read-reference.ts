/** What an author knows of a novel beside its text, as a book: its outline, and its codex with the threads of the story. */
import { detectLanguage } from '../../ai/text/language.ts'
import { everyItem } from '../../task/page.ts'
import { type CodexEntry, codexKinds } from '../codex/entry.ts'
import { groupedBy } from '../grouped-by.ts'
import type { NovelLibrary } from '../library/library.ts'
import type { SceneOverview } from '../library/shelf.ts'
import type { ThreadThere } from '../library/threads.ts'
import { measure } from '../words.ts'
import type { Book, BookPart } from './book.ts'
import { type BookChapter, type BookCounts, type BookRequest, type NovelBook, readBook } from './read-book.ts'

/** Scenes, entries and threads that are read at a time. */
const perPage = 100

const english = {
  outline: 'Outline',
  codex: 'Codex',
  synopsis: 'Synopsis',
  scene: (number: number) => `Scene ${number}`,
  noSummary: 'No summary yet.',
  kinds: { person: 'People', place: 'Places', thing: 'Things', fact: 'Facts' },
  threads: 'Threads',
  aliases: 'Also called',
  related: 'Related to',
  note: 'Note',
  add: (chapter: string) => `From “${chapter}” on, also`,
  replace: (chapter: string) => `From “${chapter}” on, instead`,
  gone: 'a chapter that is gone',
  states: { planned: 'Planned', open: 'Open', resolved: 'Resolved' },
  events: { planted: 'Planted', advanced: 'Advanced', resolved: 'Resolved' },
  overdue: 'Overdue',
  of: ': ',
  list: ', ',
}

const chinese: typeof english = {
  outline: '大纲',
  codex: '设定集',
  synopsis: '全书梗概',
  scene: number => `第${number}场`,
  noSummary: '尚无摘要。',
  kinds: { person: '人物', place: '地点', thing: '物品', fact: '事实' },
  threads: '伏笔',
  aliases: '别名',
  related: '相关',
  note: '备注',
  add: chapter => `自“${chapter}”起另有`,
  replace: chapter => `自“${chapter}”起改为`,
  gone: '已删除的章节',
  states: { planned: '未埋下', open: '未收回', resolved: '已收回' },
  events: { planted: '埋下', advanced: '推进', resolved: '收回' },
  overdue: '已逾期',
  of: '：',
  list: '、',
}

/** What is read in place of the text. */
export type ReferenceContent = NonNullable<Book['content']>

/**
 * Returns the outline of a novel or of a range of its chapters (the summaries of the book, its volumes, chapters and scenes), or its codex (the entries by kind,
 * and the threads). Headings and labels are in Chinese for a Chinese novel, else in English. Throws as `readBook` does.
 *
 * @param onChapter Called with a chapter of an outline when all of it was read.
 */
export async function readReference(
  library: NovelLibrary,
  request: BookRequest & { readonly content: ReferenceContent },
  onChapter: (chapter: BookChapter) => void,
): Promise<NovelBook> {
  const { content, ...range } = request
  const book = await readBook(library.shelf, range, onChapter)
  const { title, language = detectLanguage(title).tag } = book.whole
  const words = /^zh(?:-|$)/.test(language) ? chinese : english
  const parts =
    content === 'outline'
      ? () => outlineParts(library, range, { words, chapters: book.chapters, onChapter })
      : () => codexParts(library, range, words)
  const counter = new PartCounter()
  const about = { title: `${title}${words.of}${words[content]}`, content }
  const whole = { ...book.whole, ...about, parts: () => counter.counting(parts()) }
  return { ...book, whole, counts: () => counter.counts }
}

/** Counts what is read. */
class PartCounter {
  /** Of the last reading that went to the end. */
  counts: BookCounts = { chapters: 0, scenes: 0, words: 0 }

  async *counting(parts: AsyncIterable<BookPart>): AsyncGenerator<BookPart> {
    const counts = { chapters: 0, scenes: 0, words: 0 }
    for await (const part of parts) {
      if (part.kind === 'chapter') counts.chapters += 1
      else if (part.kind === 'scene') {
        counts.scenes += 1
        counts.words += measure(part.content).words
      }
      yield part
    }
    this.counts = counts
  }
}

interface OutlineReading {
  readonly words: typeof english
  readonly chapters: readonly BookChapter[]
  onChapter(chapter: BookChapter): void
}

async function* outlineParts(
  { shelf, levels }: NovelLibrary,
  { userId, ...range }: BookRequest,
  { words, chapters, onChapter }: OutlineReading,
): AsyncGenerator<BookPart> {
  const { novelId } = range
  const isWhole = range.startChapterId === undefined && range.endChapterId === undefined
  const summaryOf = async (id: string) => (await levels.parts(userId, novelId, [id])).get(id)?.text
  const synopsis = isWhole ? await summaryOf(novelId) : undefined
  if (synopsis !== undefined) {
    yield { kind: 'chapter', title: words.synopsis }
    yield { kind: 'scene', content: synopsis }
  }
  const titles = new Map((await shelf.volumes(userId, novelId)).map(({ id, title }) => [id, title]))
  const scenes = everyItem(perPage, page => shelf.scenes(userId, range, page))
  let next = await scenes.next()
  let volumeId: string | undefined
  for (const chapter of chapters) {
    if (chapter.volumeId !== volumeId) {
      volumeId = chapter.volumeId
      yield { kind: 'volume', title: titles.get(volumeId) ?? '' }
      yield* summaryPart(await summaryOf(volumeId))
    }
    const own: SceneOverview[] = []
    for (; next.done !== true && next.value.chapterId === chapter.id; next = await scenes.next())
      own.push(next.value)
    const found = await levels.parts(userId, novelId, [chapter.id, ...own.map(({ id }) => id)])
    yield { kind: 'chapter', title: chapter.title || String(chapter.position + 1) }
    yield* summaryPart(found.get(chapter.id)?.text)
    for (const { id, position, title } of own) {
      const summary = found.get(id)?.text ?? words.noSummary
      yield { kind: 'scene', title: title || words.scene(position + 1), content: summary }
    }
    onChapter(chapter)
  }
}

function* summaryPart(summary: string | undefined): Generator<BookPart> {
  if (summary !== undefined) yield { kind: 'scene', content: summary }
}

async function* codexParts(
  { shelf, codex, threads }: NovelLibrary,
  { userId, novelId }: BookRequest,
  words: typeof english,
): AsyncGenerator<BookPart> {
  const entries = await listOf(everyItem(perPage, page => codex.entries(userId, novelId, page)))
  const open = await listOf(everyItem(perPage, page => threads.threads(userId, { novelId }, page)))
  const named = new Set([
    ...entries.flatMap(({ changes }) => changes.map(({ from }) => from)),
    ...open.flatMap(({ events }) => events.map(({ scene }) => scene)),
  ])
  const chapters = new Map<string, string>()
  for await (const { title, position, sceneIds } of everyItem(perPage, page =>
    shelf.chapters(userId, { novelId }, page),
  ))
    for (const id of sceneIds) if (named.has(id)) chapters.set(id, title || String(position + 1))
  const chapterOf = (scene: string) => chapters.get(scene) ?? words.gone
  const names = new Map(entries.map(({ id, name }) => [id, name]))
  const byKind = groupedBy(entries, ({ kind }) => kind)
  for (const kind of codexKinds) {
    const own = byKind.get(kind) ?? []
    if (own.length > 0) yield { kind: 'volume', title: words.kinds[kind] }
    for (const entry of own) {
      yield { kind: 'chapter', title: entry.name }
      yield { kind: 'scene', content: entryText(entry, { words, names, chapterOf }) }
    }
  }
  if (open.length > 0) yield { kind: 'volume', title: words.threads }
  for (const thread of open) {
    yield { kind: 'chapter', title: thread.title }
    yield { kind: 'scene', content: threadText(thread, words, chapterOf) }
  }
}

/** Returns all items: entries and threads of a novel have bounds. */
async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

interface EntryWords {
  readonly words: typeof english
  /** Of entries, by id. */
  readonly names: ReadonlyMap<string, string>
  chapterOf(scene: string): string
}

function entryText(
  { aliases, text, changes, relations, note }: CodexEntry,
  { words, names, chapterOf }: EntryWords,
): string {
  const { of, list } = words
  const related = relations.flatMap(id => names.get(id) ?? [])
  return paragraphs([
    aliases.length > 0 && `${words.aliases}${of}${aliases.join(list)}`,
    text,
    ...changes.map(change => `${words[change.how](chapterOf(change.from))}${of}${change.text}`),
    related.length > 0 && `${words.related}${of}${related.join(list)}`,
    note !== '' && `${words.note}${of}${note}`,
  ])
}

function threadText(
  { state, isOverdue, plan, note, events }: ThreadThere,
  words: typeof english,
  chapterOf: (scene: string) => string,
): string {
  const { of, list } = words
  return paragraphs([
    [words.states[state], ...(isOverdue ? [words.overdue] : [])].join(list),
    plan,
    ...events.map(
      ({ kind, scene, quotation }) => `${words.events[kind]}${list}${chapterOf(scene)}${of}“${quotation}”`,
    ),
    note !== '' && `${words.note}${of}${note}`,
  ])
}

function paragraphs(texts: readonly (string | false)[]): string {
  return texts.filter(text => text !== false && text.trim() !== '').join('\n\n')
}
