import { Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Confirm } from '../parts/confirm.tsx'
import { CostNotice } from '../parts/cost-notice.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.ts'
import type { WishKey } from '../queries/wish-key.ts'
import { HowToSummarise, useSummaryModel } from './how-to-summarise.tsx'

/** Asks how the scenes without a summary are to be summarised, and says what that costs. */
export function SummariseNovel({
  novelId,
  missing,
  wishKey,
  onClose,
}: {
  novelId: string
  missing: number
  /** Kept beyond this dialog: whoever closes it after an answer got lost, and opens it again, wants the same. */
  wishKey: WishKey
  onClose: () => void
}) {
  const t = useTranslations('novels.how')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [chosen, choose] = useState<string>()
  const { model } = useSummaryModel(chosen)
  const { mutate, isPending } = useMutation({
    mutationFn() {
      const header = { 'idempotency-key': wishKey.of({ novelId, model }) }
      const params = { path: { novelId }, header }
      return dataOf(api.POST('/v1/novels/{novelId}:summarise', { params, body: { model } }))
    },
    onError: notifyError,
    onSuccess() {
      wishKey.answered()
      notifyDone(t('begun'))
      void queries.invalidateQueries({ queryKey: keys.taskLists })
      onClose()
    },
  })
  return (
    <Confirm
      title={t('titleMany', { count: missing })}
      action={t('action')}
      isBusy={isPending}
      onConfirm={mutate}
      onClose={onClose}
    >
      <HowToSummarise value={model} onChange={choose} />
      <CostNotice planned={{ taskType: 'BatchGenerateSummary', parameters: { novelId, model } }} />
      <Text size="sm" c="dimmed">
        {t('onlyMissing')}
      </Text>
    </Confirm>
  )
}
