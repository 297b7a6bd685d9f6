import { Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { Confirm } from '../parts/confirm.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { notifyDone } from '../parts/notify.ts'
import { BulkResult } from './bulk-result.tsx'
import type { AskedBulk } from './letter-actions.ts'
import { actOnLetters, useReadLettersAgain } from './letter-queries.ts'

/** Beyond so many, taking them out of the list wants their number typed. */
const typedBeyond = 100

/** Asks before something is done to many, does it, and tells what became of it. */
export function BulkDialog({ action, filter, count, onClose }: AskedBulk & { onClose: () => void }) {
  const t = useTranslations('deadLetters')
  const said = useTranslations(`deadLetters.acts.${action}`)
  const readAgain = useReadLettersAgain()
  const run = useMutation({
    mutationFn: () => actOnLetters(action, filter),
    onSuccess({ done, failed }) {
      if (failed.length > 0) return
      notifyDone(said('done', { count: done }))
      onClose()
    },
    onSettled: readAgain,
  })
  if (run.data !== undefined && run.data.failed.length > 0)
    return <BulkResult action={action} filter={filter} answer={run.data} onClose={onClose} />
  return (
    <Confirm
      title={said('title', { count })}
      action={said('verb', { count })}
      isDangerous={action === 'purge'}
      isBusy={run.isPending}
      {...(action === 'purge' && count > typedBeyond
        ? { typed: { text: String(count), label: t('typeCount', { count: String(count) }) } }
        : {})}
      onConfirm={() => run.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text>{said('text', { count })}</Text>
        {run.isPending && count > typedBeyond && <Text c="dimmed">{t('takesLong')}</Text>}
        {run.error !== null && <ErrorNotice error={run.error} />}
      </Stack>
    </Confirm>
  )
}
