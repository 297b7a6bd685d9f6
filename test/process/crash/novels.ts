import path from 'node:path'
import { decode, type TaskRecord } from 'quillwork'
import { type NovelLibrary, sqliteLibrary } from 'quillwork/novel'
import { sqlite } from 'quillwork/sqlite'

/** What can be read of a novel; two imports of one text make equal ones. */
export interface ReadNovel {
  title: string
  chapters: readonly unknown[]
  scenes: readonly unknown[]
  /** Texts and summaries that were overwritten, over all scenes. */
  overwritten: number
  found: readonly string[]
}

/** Reads the novels that imports of a data directory made, by the id of the import's task. No server runs on it. */
export async function readNovels(
  data: string,
  imports: readonly TaskRecord[],
): Promise<Map<string, ReadNovel>> {
  const store = sqlite({ file: databaseOf(data) })
  try {
    const library = sqliteLibrary(store.database)
    const novels = new Map<string, ReadNovel>()
    for (const { id, userId, result } of imports) {
      const { novelId } = decode(result ?? '{}') as { novelId: string }
      novels.set(id, await readNovel(library, userId, novelId))
    }
    return novels
  } finally {
    await store.tasks.close()
  }
}

async function readNovel(library: NovelLibrary, userId: string, novelId: string): Promise<ReadNovel> {
  const { title, summaries, words } = await library.shelf.novel(userId, novelId)
  const chapters = await allPages(page => library.shelf.chapters(userId, { novelId }, page))
  const scenes = await allPages(page => library.shelf.texts(userId, { novelId }, page))
  const histories = await Promise.all(
    scenes.map(scene => library.scenes.history(userId, scene.id, { pageSize: 5 })),
  )
  const { hits } = await library.index.search(userId, novelId, { query: 'lantern bridge', limit: 5 })
  return {
    title: `${title}: ${words} words, ${summaries} summaries`,
    chapters: chapters.map(chapter => [chapter.title, chapter.position, chapter.words, chapter.summaries]),
    scenes: scenes.map(scene => [scene.content, scene.summary, scene.version, scene.textVersion]),
    overwritten: histories.reduce((sum, { items }) => sum + items.length, 0),
    found: hits.map(({ snippet }) => snippet.text),
  }
}

interface Page<T> {
  items: readonly T[]
  nextPageToken?: string
}

async function allPages<T>(
  read: (page: { pageSize: number; pageToken?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const items: T[] = []
  let page = await read({ pageSize: 500 })
  items.push(...page.items)
  while (page.nextPageToken !== undefined) {
    page = await read({ pageSize: 500, pageToken: page.nextPageToken })
    items.push(...page.items)
  }
  return items
}

/** The database of a data directory. */
export function databaseOf(data: string): string {
  return path.join(data, 'quillwork.db')
}
