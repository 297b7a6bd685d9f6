import { Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { newIdempotencyKey } from '../api/idempotency-key.ts'
import { keys } from '../api/keys.ts'
import { Confirm } from '../parts/confirm.tsx'
import { CostNotice } from '../parts/cost-notice.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.ts'

/** Asks before the index of the search is built anew, and says what that costs. */
export function MakeIndex({ novelId, onClose }: { novelId: string; onClose: () => void }) {
  const t = useTranslations('novels.index')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [key] = useState(newIdempotencyKey)
  const planned = { taskType: 'Vectorize', parameters: { novelId } }
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      dataOf(api.POST('/v1/tasks', { body: planned, params: { header: { 'idempotency-key': key } } })),
    onError: notifyError,
    onSuccess() {
      notifyDone(t('begun'))
      void queries.invalidateQueries({ queryKey: keys.taskLists })
      onClose()
    },
  })
  return (
    <Confirm title={t('askTitle')} action={t('make')} isBusy={isPending} onConfirm={mutate} onClose={onClose}>
      <Text>{t('ask')}</Text>
      <CostNotice planned={planned} />
    </Confirm>
  )
}
