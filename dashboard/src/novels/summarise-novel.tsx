import { Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Confirm } from '../parts/confirm.tsx'
import { CostNotice } from '../parts/cost-notice.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.ts'
import { HowToSummarise, useSummaryModel } from './how-to-summarise.tsx'

/** Asks how the scenes without a summary are to be summarised, and says what that costs. */
export function SummariseNovel({
  novelId,
  missing,
  onClose,
}: {
  novelId: string
  missing: number
  onClose: () => void
}) {
  const t = useTranslations('novels.how')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [chosen, choose] = useState<string>()
  const { model } = useSummaryModel(chosen)
  const { mutate, isPending } = useMutation({
    mutationFn: () =>
      dataOf(api.POST('/v1/novels/{novelId}:summarise', { params: { path: { novelId } }, body: { model } })),
    onError: notifyError,
    onSuccess() {
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
