import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { notifyDone, useNotifyError } from './notify.tsx'

/** Returns what puts a novel back on the shelf from the bin. */
export function usePutBack() {
  const t = useTranslations('home.bin')
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ id }: { id: string; title: string }) =>
      dataOf(api.POST('/v1/bin/{novelId}:restore', { params: { path: { novelId: id } } })),
    onError: useNotifyError(),
    onSuccess: (_, { title }) => notifyDone(t('restored', { title })),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.novels }),
  })
}
