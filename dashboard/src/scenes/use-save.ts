import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { keys } from '../api/keys.ts'
import { ApiError } from '../api/problem.ts'
import { readScene, type Scene } from '../queries/scene-queries.ts'
import { collides, type Draft, editOf } from './draft.ts'
import { useEdit } from './use-write.ts'

/**
 * Saves what a person typed. What somebody else did to another part of the scene does not stand in the way; where both changed the same,
 * nothing is overwritten: `theirs` is there then, until the person has decided. One save at a time: a second one would be of a version that the
 * first makes old.
 */
export function useSave(sceneId: string, onSaved: (sent: Draft, saved: Scene) => void) {
  const queries = useQueryClient()
  const edit = useEdit(sceneId)
  const [theirs, setTheirs] = useState<Scene>()
  const [error, setError] = useState<unknown>(null)
  const [isPending, setIsPending] = useState(false)

  /** `outrunBy`: the version that the person accepts to write over. */
  const send = async (draft: Draft, outrunBy?: Scene): Promise<void> => {
    setError(null)
    try {
      onSaved(draft, await edit.mutateAsync({ edit: editOf(draft), seen: outrunBy ?? draft }))
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.code !== 'SCENE_CHANGED') return setError(failure)
      await meet(draft)
    }
  }
  const meet = async (draft: Draft): Promise<void> => {
    try {
      const newest = await readScene(sceneId)
      queries.setQueryData(keys.scene(sceneId), newest)
      if (collides(draft, newest)) setTheirs(newest)
      else await send(draft, newest)
    } catch (failure) {
      setError(failure)
    }
  }
  const begin = async (draft: Draft, outrunBy?: Scene): Promise<void> => {
    if (isPending) return
    setIsPending(true)
    await send(draft, outrunBy)
    setIsPending(false)
  }

  return {
    error,
    theirs,
    isPending,
    send: (draft: Draft) => void begin(draft),
    keepMine(draft: Draft) {
      setTheirs(undefined)
      void begin(draft, theirs)
    },
    back: () => setTheirs(undefined),
  }
}
