import { type QueryClient, queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys, ofNovel } from '../api/keys.ts'
import { pageAt } from '../api/pages.ts'
import type { components, paths } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { useTasks } from './task-queries.ts'
import { useVersionedEdit } from './versioned-edit.ts'

/** A novel on the shelf. */
export type Novel = components['schemas']['Novel']

/** A scene with its text, as the API returns it. */
export type Scene = components['schemas']['Scene']

/** Reads a scene. What somebody else did to it is seen when the person comes back to the page. */
export function useScene(sceneId: string) {
  return useQuery({ ...sceneQuery(sceneId), refetchOnWindowFocus: 'always' })
}

/** Returns how a scene is read. */
export function sceneQuery(sceneId: string) {
  return queryOptions({ queryKey: keys.scene(sceneId), queryFn: ({ signal }) => readScene(sceneId, signal) })
}

/** Returns what reads a scene as it is now, for the cache too. */
export function useReadScene(sceneId: string): () => Promise<Scene> {
  const queries = useQueryClient()
  return () => readNewestScene(queries, sceneId)
}

/** Milliseconds: after so long without an answer a save, and what it reads, count as not answered. The save may have been made all the same. */
export const answeredWithinMs = 30_000

/** Reads a scene as it is now, for the cache too. Once, since a person waits: rejects with OFFLINE where no answer comes in time. */
export async function readNewestScene(queries: QueryClient, sceneId: string): Promise<Scene> {
  const newest = await readScene(sceneId, AbortSignal.timeout(answeredWithinMs))
  queries.setQueryData(keys.scene(sceneId), newest)
  return newest
}

/** Asks for a scene. */
function readScene(sceneId: string, signal: AbortSignal): Promise<Scene> {
  return dataOf(api.GET('/v1/scenes/{sceneId}', { params: { path: { sceneId } }, signal }))
}

/** Reads the novel with its outline. `isWanted`: false reads nothing. */
export function useOutline(novelId: string, isWanted = true) {
  return useQuery({ ...outlineQuery(novelId), enabled: isWanted })
}

function outlineQuery(novelId: string) {
  return queryOptions({
    queryKey: keys.novel(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}', { params: { path: { novelId } } })),
  })
}

/** Returns whether a novel is a reference, in which no model writes; false until that is known. */
export function useIsReference(novelId: string): boolean {
  return useOutline(novelId).data?.reference === true
}

/** Reads all novels that are references, of all pages of the shelf. */
export function useReferences() {
  return useQuery({
    queryKey: keys.references,
    queryFn: async ({ signal }) => {
      const found: Novel[] = []
      for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
        const query = { pageSize: 200, ...pageAt(pageToken) }
        const page: { items: Novel[]; nextPageToken?: string } = await dataOf(
          api.GET('/v1/novels', { params: { query }, signal }),
        )
        found.push(...page.items.filter(({ reference }) => reference === true))
        pageToken = page.nextPageToken
      }
      return found
    },
  })
}

/** Returns whether an error says that there is no such novel, or no longer. What was read of it before may still be kept. */
export function isNovelMissing(error: unknown): boolean {
  return codeOf(error) === 'NOVEL_NOT_FOUND'
}

/** Reads a chapter with its scenes, without their texts. `undefined`: none is asked for. */
export function useChapter(novelId: string, chapterId: string | undefined) {
  return useQuery({
    queryKey: keys.chapter(novelId, chapterId ?? ''),
    queryFn: () =>
      dataOf(
        api.GET('/v1/novels/{novelId}/chapters/{chapterId}', {
          params: { path: { novelId, chapterId: chapterId ?? '' } },
        }),
      ),
    enabled: chapterId !== undefined,
  })
}

/** Returns the header that makes a change one of the version that the person saw. */
export function ifMatch({ version }: Pick<Scene, 'version'>): { 'if-match': string } {
  return { 'if-match': `"${version}"` }
}

/** What the pages ask for a scene: kinds of tasks that are about one scene. */
type SceneTaskType = 'GenerateScene' | 'GenerateSummary' | 'RewriteSelection' | 'SceneBrief'

/** The newest task of some kinds, and whether the server has said. */
export interface SceneTasks {
  readonly isKnown: boolean
  /** The one that has not ended, else the newest. */
  readonly newest: (...types: readonly SceneTaskType[]) => Task | undefined
  /** The newest one that is COMPLETED. */
  readonly newestCompleted: (type: SceneTaskType) => Task | undefined
}

/** Tasks that are read of a scene: the newest ones. */
const mostTasks = 50

/** Returns the tasks of a scene. Kept up to date by the live stream. */
export function useSceneTasks(sceneId: string): SceneTasks {
  const { data } = useTasks(
    { tag: `scene:${sceneId}`, pageSize: mostTasks },
    { queryKey: keys.sceneTasks(sceneId) },
  )
  const tasks = data ?? []
  return {
    isKnown: data !== undefined,
    newest(...types) {
      const ofType = tasks.filter(({ taskType }) => types.some(type => type === taskType))
      return ofType.find(({ done }) => !done) ?? ofType[0]
    },
    newestCompleted: type =>
      tasks.find(({ taskType, status }) => taskType === type && status === 'COMPLETED'),
  }
}

/** Returns what puts something that was saved in its place in a list that is kept, and has all under its key read again: nobody waits for that. */
export function useShowSaved<Kept extends { id: string }>(queryKey: readonly unknown[]) {
  const queries = useQueryClient()
  return (saved: Kept) => {
    queries.setQueryData<Kept[]>(queryKey, all => all?.map(each => (each.id === saved.id ? saved : each)))
    void queries.invalidateQueries({ queryKey })
  }
}

/** Has everything that is shown of a scene be read again: its text changed, or its summary. */
export function useReadSceneAgain(ids: Pick<Scene, 'id' | 'novelId'>): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => readSceneAgain(queries, ids)
}

/** Reads a scene, its candidates, its history and what is around it again. */
export function readSceneAgain(
  queries: QueryClient,
  { id, novelId }: Pick<Scene, 'id' | 'novelId'>,
): Promise<unknown> {
  const again = (queryKey: readonly unknown[]) => queries.invalidateQueries({ queryKey })
  return Promise.all([
    again(keys.scene(id)),
    again(keys.candidates(id)),
    again(keys.sceneHistory(id)),
    queries.invalidateQueries(ofNovel(novelId)),
  ])
}

/** Reads the scene again whenever a task about it has ended. `tasks`: undefined while nobody knows them; those that ended before are no news. */
export function useReadAgainAfterTasks(
  ids: Pick<Scene, 'id' | 'novelId'>,
  tasks: readonly (Task | undefined)[] | undefined,
): void {
  const readAgain = useReadSceneAgain(ids)
  const ended = tasks
    ?.filter(task => task?.done === true)
    .map(task => `${task?.id} ${task?.attempt}`)
    .join()
  const seen = useRef<string>(undefined)
  useEffect(() => {
    if (ended === undefined) return
    const isNews = seen.current !== undefined && seen.current !== ended
    seen.current = ended
    if (isNews) void readAgain()
  }, [ended, readAgain])
}

/** What a person calls a scene: its title, else its number and chapter. `isMissing`: there is no such scene. */
interface SceneName {
  name: string
  isMissing: boolean
}

/** Names a scene; "the scene" until it is known. */
export function useSceneName(novelId: string, sceneId: string): SceneName {
  const t = useTranslations('task.subject')
  const { data: novel } = useOutline(novelId)
  const { data: scene, error } = useQuery(sceneQuery(sceneId))
  if (scene === undefined)
    return { name: t(error === null ? 'untitledScene' : 'sceneNotFound'), isMissing: error !== null }
  const chapter = novel?.outline.flatMap(({ chapters }) => chapters).find(({ id }) => id === scene.chapterId)
  const placed =
    chapter === undefined
      ? t('untitledScene')
      : t('sceneOf', { number: scene.position + 1, chapter: chapter.title })
  return { name: scene.title ?? placed, isMissing: false }
}

const noTitles: ReadonlyMap<string, string> = new Map()

/** Returns the titles of the newest 200 novels on the shelf, by id; empty until they are known. Deleted novels have none. */
export function useNovelTitles({ enabled = true } = {}): ReadonlyMap<string, string> {
  const { data = noTitles } = useQuery({
    queryKey: keys.novelTitles,
    queryFn: async ({ signal }) => {
      const page = await dataOf(api.GET('/v1/novels', { params: { query: { pageSize: 200 } }, signal }))
      return new Map(page.items.map(({ id, title }) => [id, title]))
    },
    enabled,
  })
  return data
}

type NovelChange = NonNullable<
  paths['/v1/novels/{novelId}']['patch']['requestBody']
>['content']['application/json']

/**
 * Lets a person edit something that is said of a novel: its names and its target, or what it is to other novels. `partOf` takes it from the novel,
 * `changeOf` makes the change of it.
 */
export function useNovelEdit<T>(
  novel: Novel,
  partOf: (novel: Novel) => T,
  { changeOf, onSaved }: { changeOf: (value: T) => NovelChange; onSaved: () => void },
) {
  const queries = useQueryClient()
  const versioned = (read: Novel) => ({ value: partOf(read), version: read.version })
  return useVersionedEdit(versioned(novel), {
    async write(value, version) {
      const params = { path: { novelId: novel.id }, header: ifMatch({ version }) }
      const saved = await dataOf(api.PATCH('/v1/novels/{novelId}', { params, body: changeOf(value) }))
      void queries.invalidateQueries({ queryKey: keys.novels })
      void queries.invalidateQueries(ofNovel(novel.id))
      return versioned(saved)
    },
    read: async () => versioned(await queries.fetchQuery({ ...outlineQuery(novel.id), staleTime: 0 })),
    onSaved,
  })
}
