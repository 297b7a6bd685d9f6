import { Checkbox, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { lacksOperand, type Operand, OperandDialog } from './bulk-operand.tsx'
import { Confirm } from './dialog.tsx'
import { notifyDone } from './notify.tsx'
import { ErrorNotice, Loading } from './states.tsx'
import { TaskNames } from './task-name.tsx'

/** What is to be done to which tasks, as the API takes it. */
export type BulkSelection = components['schemas']['BulkSelection']

/** Beyond this many, what cannot be undone requires typing their number. */
const typedBeyond = 100
/** Beyond this many, a retry goes in waves unless the person says otherwise. */
const wavesBeyond = 20
/** Tasks that are named. */
const named = 5
/** Tasks of a wave, and the share of those that fail again which stops the retry. */
const wave = { size: 50 }
const stopWhen = { failedAgainShare: 0.5 }

interface BulkDialogProps {
  selection: BulkSelection
  /** What they are. */
  subject?: string
  onClose: () => void
}

/** Asks what an action still lacks, such as the tags; shows how many tasks it would be done to, asks, and submits it. */
export function BulkActionDialog({ selection, ...props }: BulkDialogProps) {
  const [operand, setOperand] = useState<Operand>({})
  const whole = { ...selection, ...operand }
  if (lacksOperand(whole))
    return <OperandDialog action={selection.action} onChosen={setOperand} onClose={props.onClose} />
  return <BulkQuestion selection={whole} {...props} />
}

/** Shows how many tasks an action would be done to, asks, and submits it: the server does it, and the page of its task says how far it is. */
function BulkQuestion({ selection, subject, onClose }: BulkDialogProps) {
  const { action } = selection
  const t = useTranslations('bulk')
  const said = useTranslations(`bulk.acts.${action}`)
  const preview = useQuery({
    queryKey: ['bulk-preview', selection],
    queryFn: ({ signal }) => dataOf(api.POST('/v1/bulk-actions:preview', { body: selection, signal })),
    gcTime: 0,
  })
  const [hasWaves, setHasWaves] = useState<boolean>()
  const { data } = preview
  const count = data?.count ?? 0
  const isMore = data?.atLeast === true
  // Of very many, none of which was among those that were read, it is not known whether one matches.
  const isNone = count === 0 && !isMore
  const inWaves = action === 'retry' && (hasWaves ?? (isMore || count > wavesBeyond))
  const submit = useBulkSubmit(onClose)
  const isTyped = (action === 'purge' || action === 'cancel') && count > typedBeyond
  const shown = isMore ? t('moreThan', { count }) : t('tasks', { count })
  return (
    <Confirm
      title={said('title')}
      action={isNone ? t('nothing') : said('verb', { tasks: shown })}
      isDangerous={action === 'cancel' || action === 'purge'}
      isBusy={submit.isPending || preview.isPending}
      {...(isTyped && { typed: { text: String(count), label: t('typeCount', { count: String(count) }) } })}
      onConfirm={() =>
        isNone ? onClose() : submit.mutate({ ...selection, ...(inWaves && { wave, stopWhen }) })
      }
      onClose={onClose}
    >
      <Stack gap="sm">
        {subject !== undefined && (
          <Text fw={600} lineClamp={3}>
            {subject}
          </Text>
        )}
        {preview.isPending && preview.error === null && <Loading lines={3} />}
        {preview.error !== null && (
          <ErrorNotice error={preview.error} onRetry={() => void preview.refetch()} />
        )}
        {data !== undefined && (
          <>
            <Text role="status">
              {isNone ? t('none') : said('text', { tasks: shown, ...shownOperand(selection) })}
            </Text>
            <TaskNames tasks={data.sample.slice(0, named)} />
            {(isMore || count > named) && (
              <Text size="sm" c="dimmed">
                {t('sample', { count: named })}
              </Text>
            )}
          </>
        )}
        {action === 'retry' && count > 1 && (
          <Checkbox
            checked={inWaves}
            onChange={event => setHasWaves(event.currentTarget.checked)}
            label={t('waves', { size: wave.size })}
            description={t('wavesText')}
          />
        )}
        {submit.error !== null && <ErrorNotice error={submit.error} />}
      </Stack>
    </Confirm>
  )
}

/** What a text says of the tags, or the lane, of an action. */
function shownOperand({ tags = [], lane = '' }: Operand) {
  return { tags: tags.join(', '), lane }
}

/** Returns what submits a bulk action, once, and goes to the page of its task. */
export function useBulkSubmit(onClose: () => void) {
  const t = useTranslations('bulk')
  const navigate = useNavigate()
  const key = useRequestKey()
  return useMutation({
    mutationFn: (body: components['schemas']['BulkAction']) => {
      const params = { header: { 'idempotency-key': key.of(body) } }
      return dataOf(api.POST('/v1/bulk-actions', { body, params }))
    },
    onSuccess({ id }) {
      key.answered()
      notifyDone(t('begun'))
      onClose()
      void navigate({ to: '/tasks/$taskId', params: { taskId: id } })
    },
  })
}
