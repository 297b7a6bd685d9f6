import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'

/** A file and a novel side by side. */
export type Comparison = components['schemas']['UploadComparison']
/** A chapter of the file. */
export type FileChapter = Comparison['chapters'][number]

/** What is done with a changed chapter; absent: nothing. */
export type ForChanged = 'replace' | 'add'

/** What a person has chosen of a comparison. */
export interface Choice {
  /** New chapters that are left out. */
  readonly excluded: ReadonlySet<number>
  readonly changed: ReadonlyMap<number, ForChanged>
  readonly summarise: boolean
}

/** Before anything is chosen: all that is new is added, nothing is replaced. */
export const untouched: Choice = { excluded: new Set(), changed: new Map(), summarise: true }

/** Reads what a file has that a novel does not have. */
export function useComparison(uploadId: string, novelId: string) {
  return useQuery({
    queryKey: keys.comparison(uploadId, novelId),
    queryFn({ signal }) {
      const params = { path: { uploadId }, query: { novelId } }
      return dataOf(api.GET('/v1/uploads/{uploadId}/comparison', { params, signal }))
    },
    // It costs a reading of the whole book.
    staleTime: 60_000,
    retry: false,
  })
}

/** What is asked of the server. */
export interface Addition {
  novelId: string
  chapters: number[]
  replace: number[]
  summarise: boolean
}

/** Returns what a choice asks of the server. */
export function additionOf({ novelId, chapters }: Comparison, choice: Choice): Addition {
  const { excluded, changed, summarise } = choice
  const isAdded = ({ index, status }: FileChapter) =>
    status === 'new' ? !excluded.has(index) : status === 'changed' && changed.get(index) === 'add'
  const isReplaced = ({ index }: FileChapter) => changed.get(index) === 'replace'
  const numbers = (of: readonly FileChapter[]) => of.map(({ index }) => index)
  return {
    novelId,
    chapters: numbers(chapters.filter(isAdded)),
    replace: numbers(chapters.filter(isReplaced)),
    summarise,
  }
}

/** Begins an addition, and goes to the task that does it. The server answers the same task however often it is asked. */
export function useAppend(uploadId: string) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (body: Addition) =>
      dataOf(api.POST('/v1/uploads/{uploadId}:append', { params: { path: { uploadId } }, body })),
    async onSuccess({ taskId }) {
      await navigate({ to: '/tasks/$taskId', params: { taskId } })
      for (const queryKey of [keys.uploads, keys.taskLists, keys.taskCounts])
        void queries.invalidateQueries({ queryKey })
      queries.removeQueries({ queryKey: ['uploads', 'comparison', uploadId] })
    },
    onError(error) {
      if (codeOf(error) === 'UPLOAD_NOT_FOUND')
        void queries.invalidateQueries({ queryKey: ['uploads', 'comparison', uploadId] })
    },
  })
}

/** Reads the whole text of a chapter of the file, part by part. */
async function fileText(path: { uploadId: string; index: number }, signal: AbortSignal): Promise<string> {
  let text = ''
  let scene = 0
  for (let from: number | undefined = 0; from !== undefined; ) {
    const query: { from: number } = { from }
    const params = { path, query }
    const part = await dataOf(api.GET('/v1/uploads/{uploadId}/chapters/{index}', { params, signal }))
    for (const line of part.lines) {
      const isApart = line.isAfterBlank || line.scene !== scene
      if (text !== '') text += isApart ? '\n\n' : '\n'
      text += line.text
      scene = line.scene
    }
    from = part.next
  }
  return text
}

/** Reads both texts of a changed chapter: that of the novel, and that of the file. */
export function useBothTexts(uploadId: string, novelId: string, { index, chapterId = '' }: FileChapter) {
  return useQuery({
    queryKey: keys.bothTexts(uploadId, index, chapterId),
    async queryFn({ signal }) {
      const ofFile = fileText({ uploadId, index }, signal)
      const path = { novelId, chapterId }
      const { scenes } = await dataOf(
        api.GET('/v1/novels/{novelId}/chapters/{chapterId}', { params: { path }, signal }),
      )
      const texts: string[] = []
      for (const { id: sceneId } of scenes)
        texts.push(
          (await dataOf(api.GET('/v1/scenes/{sceneId}', { params: { path: { sceneId } }, signal }))).content,
        )
      return { before: texts.join('\n\n'), after: await ofFile }
    },
    retry: false,
  })
}
