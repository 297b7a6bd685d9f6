import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { keys } from '../../api/keys.ts'
import { dropSending, useSendings } from './queue.ts'

/**
 * What follows when files have arrived: a single one is looked at at once, several wait on the page. What arrived while the person was on
 * another page waits too; nobody is taken anywhere for it.
 */
export function useFinishedSendings(): void {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const sendings = useSendings()
  const isFirst = useRef(true)
  useEffect(() => {
    const wasAway = isFirst.current
    isFirst.current = false
    const sent = sendings.filter(({ state }) => state === 'sent')
    if (sent.length === 0) return
    const [only] = sent
    const goesOn = !wasAway && sendings.length === 1 && only?.isAlone === true
    for (const { id } of sent) dropSending(id)
    void queries.invalidateQueries({ queryKey: keys.uploads })
    if (goesOn && only.upload !== undefined)
      void navigate({ to: '/import/$uploadId', params: { uploadId: only.upload.id } })
  }, [queries, navigate, sendings])
}
