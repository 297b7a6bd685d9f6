import { Button } from '@mantine/core'
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { notifyDone, useNotifyError } from './notify.tsx'

interface PauseButtonProps {
  paused: boolean
  /** What the button does, the same with the name of the thing, and what is said once it is done. */
  words: { verb: string; label: string; done: string }
  onChange: () => Promise<unknown>
  /** What is read again afterwards. */
  queryKey: QueryKey
}

/** Pauses a lane or a schedule, or lets it go on. Either is undone by the same button, so nothing is asked. */
export function PauseButton({ paused, words, onChange, queryKey }: PauseButtonProps) {
  const queries = useQueryClient()
  const change = useMutation({
    mutationFn: onChange,
    onSuccess: () => notifyDone(words.done),
    onSettled: () => queries.invalidateQueries({ queryKey }),
    onError: useNotifyError(),
  })
  return (
    <Button
      size="xs"
      variant={paused ? 'filled' : 'default'}
      loading={change.isPending}
      aria-label={words.label}
      onClick={() => change.mutate()}
    >
      {words.verb}
    </Button>
  )
}
