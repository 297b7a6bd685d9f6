import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys, ofNovel } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import { useTasks } from './task-queries.ts'

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
  return queryOptions({ queryKey: keys.scene(sceneId), queryFn: () => readScene(sceneId) })
}

/** Returns what reads a scene as it is now, for the cache too. */
export function useReadScene(sceneId: string): () => Promise<Scene> {
  const queries = useQueryClient()
  return () => queries.fetchQuery({ ...sceneQuery(sceneId), staleTime: 0 })
}

/** Asks for a scene. */
function readScene(sceneId: string): Promise<Scene> {
  return dataOf(api.GET('/v1/scenes/{sceneId}', { params: { path: { sceneId } } }))
}

/** Reads the novel with its outline. `isWanted`: false reads nothing. */
export function useOutline(novelId: string, isWanted = true) {
  return useQuery({
    queryKey: keys.novel(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}', { params: { path: { novelId } } })),
    enabled: isWanted,
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
export function useReadSceneAgain({ id, novelId }: Pick<Scene, 'id' | 'novelId'>): () => Promise<unknown> {
  const queries = useQueryClient()
  const again = (queryKey: readonly unknown[]) => queries.invalidateQueries({ queryKey })
  return () =>
    Promise.all([
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
