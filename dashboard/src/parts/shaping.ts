/** Acts on the shape of a novel: each says what was done, and knows how it is undone. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { isPaid, keys, ofNovel } from '../api/keys.ts'
import { ifMatch, type Scene } from '../queries/novel-queries.ts'
import { notifyDone, notifyUndoable, useNotifyError } from './notify.tsx'

/** What was done. */
export interface Done {
  /** The text that says so, under `novels.shape.done`. */
  done:
    | 'renamed'
    | 'added'
    | 'moved'
    | 'split'
    | 'merged'
    | 'cut'
    | 'joined'
    | 'deleted'
    | 'restored'
    | 'gone'
  title: string
  undo?: () => Promise<unknown>
}

/** Returns what carries out an act on a novel, says that it is done, and has the novel read again. */
export function useShape(novelId: string) {
  const t = useTranslations('novels.shape')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const again = () =>
    Promise.all([
      queries.invalidateQueries(ofNovel(novelId)),
      queries.invalidateQueries({ queryKey: keys.novels }),
      queries.invalidateQueries({
        predicate: ({ queryKey }) => queryKey[0] === 'scenes' && !isPaid(queryKey),
      }),
    ])
  const undoing = useMutation({
    mutationFn: (undo: () => Promise<unknown>) => undo(),
    onError: notifyError,
    onSuccess: () => notifyDone(t('undone')),
    onSettled: again,
  })
  return useMutation({
    mutationFn: (act: () => Promise<Done>) => act(),
    onError: notifyError,
    onSuccess({ done, title, undo }) {
      const text = t(`done.${done}`, { title })
      if (undo === undefined) notifyDone(text)
      else notifyUndoable(text, { label: t('undo'), onUndo: () => undoing.mutate(undo) })
    },
    onSettled: again,
  })
}

/** What carries out an act. */
export type Shape = ReturnType<typeof useShape>

/** Cuts a scene in two at a place of its text. */
export async function splitScene(scene: Pick<Scene, 'id' | 'version'>, at: number): Promise<Done> {
  const params = { path: { sceneId: scene.id }, header: ifMatch(scene) }
  const { next } = await dataOf(api.POST('/v1/scenes/{sceneId}:split', { params, body: { at } }))
  const undo = async () => {
    const { scene: merged } = await joinScenes(scene.id, next.id)
    // The text before the merging is the first part, and the one before that the whole.
    return textBack(merged, 1)
  }
  return { done: 'cut', title: '', undo }
}

/** Has the text of a scene be put behind that of the one before it. */
export function joinScenes(sceneId: string, next: string) {
  return dataOf(api.POST('/v1/scenes/{sceneId}:merge', { params: { path: { sceneId } }, body: { next } }))
}

/** Puts back a text that a scene had before the one that is there; 0: the last one. What somebody wrote since is not overwritten. */
export async function textBack(scene: Pick<Scene, 'id' | 'version'>, before: number) {
  const path = { sceneId: scene.id }
  const { items } = await dataOf(api.GET('/v1/scenes/{sceneId}/history', { params: { path } }))
  const entryId = items.filter(({ what, why }) => what === 'text' && why === 'overwritten')[before]?.id ?? ''
  const params = { path, header: ifMatch(scene) }
  return dataOf(api.POST('/v1/scenes/{sceneId}:restore', { params, body: { entryId } }))
}
