import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { keys } from '../api/keys.ts'
import { ApiError } from '../api/problem.ts'
import { readScene, type Scene } from '../queries/scene-queries.ts'
import { collides, type Draft, editOf } from './draft.ts'
import { useEdit } from './use-write.ts'

/**
 * Saves what a person typed. What somebody else did to another part of the scene does not stand in the way; where both changed the same,
 * nothing is overwritten: `theirs` is there then, until the person has decided.
 */
export function useSave(sceneId: string, onSaved: () => void) {
  const queries = useQueryClient()
  const edit = useEdit(sceneId)
  const [theirs, setTheirs] = useState<Scene>()
  const [error, setError] = useState<unknown>(null)

  /** `outrunBy`: the version that the person accepts to write over. */
  const send = async (draft: Draft, outrunBy?: Scene): Promise<void> => {
    setError(null)
    try {
      await edit.mutateAsync({ edit: editOf(draft), seen: outrunBy ?? draft })
      onSaved()
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

  return {
    error,
    theirs,
    isPending: edit.isPending,
    send: (draft: Draft) => void send(draft),
    keepMine(draft: Draft) {
      const over = theirs
      setTheirs(undefined)
      void send(draft, over)
    },
    back: () => setTheirs(undefined),
  }
}
