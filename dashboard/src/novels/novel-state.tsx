import { Button, Group, Progress, SimpleGrid, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconListSearch, IconRefresh, IconSparkles } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMay } from '../api/me.ts'
import { newIdempotencyKey, type RequestKey, useRequestKey } from '../api/request-key.ts'
import type { Task } from '../api/task.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { Panel } from '../parts/panel.tsx'
import { submitTask, useSubmitAndOpen } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { HowToSummarise, useSummariser } from './how-to-summarise.tsx'
import type { NovelOutline } from './novel.ts'
import { useLiveTasks } from './novel-tasks.ts'

/** How far summaries and search are, and what can be done about it. */
export function NovelState({ novel }: { novel: NovelOutline }) {
  const working = useLiveTasks(novel.id)
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Summaries novel={novel} working={working} />
      <SearchIndex novel={novel} working={working} />
    </SimpleGrid>
  )
}

interface StateProps {
  novel: NovelOutline
  working: readonly Task[]
}

const summarises = new Set(['ImportNovel', 'BatchGenerateSummary'])
const indexes = new Set(['ImportNovel', 'Vectorize'])

function Summaries({ novel, working }: StateProps) {
  const t = useTranslations('novels.summaries')
  const [isAsking, asking] = useDisclosure()
  const [isAnew, anew] = useDisclosure()
  const requestKey = useRequestKey()
  const { summaries, scenes } = novel
  const isBusy = working.some(({ taskType }) => summarises.has(taskType))
  const missing = scenes - summaries
  return (
    <Panel gap="xs" title={t('title')}>
      <Text>{t('state', { done: summaries, total: scenes })}</Text>
      <Progress value={scenes === 0 ? 0 : (summaries / scenes) * 100} aria-label={t('title')} size="sm" />
      {isBusy ? (
        <Text size="sm" c="dimmed">
          {t('busy')}
        </Text>
      ) : (
        <Group gap="xs">
          {missing > 0 && (
            <Action icon={<IconSparkles size={16} aria-hidden />} onClick={asking.open}>
              {t('make', { count: missing })}
            </Action>
          )}
          {summaries > 0 && (
            <Action icon={<IconRefresh size={16} aria-hidden />} onClick={anew.open}>
              {t('anew')}
            </Action>
          )}
        </Group>
      )}
      {isAnew && <SummariseAnew novelId={novel.id} onClose={anew.close} />}
      {isAsking && (
        <SummariseNovel novelId={novel.id} missing={missing} requestKey={requestKey} onClose={asking.close} />
      )}
    </Panel>
  )
}

function SearchIndex({ novel, working }: StateProps) {
  const t = useTranslations('novels.index')
  const writing = useWriting()
  const [isAsking, asking] = useDisclosure()
  const { kind, building, passages, outOfDateScenes, vectors, builtAt } = novel.index
  const isBusy = building || working.some(({ taskType }) => indexes.has(taskType))
  const isCurrent = kind !== 'none' && outOfDateScenes === 0
  return (
    <Panel gap="xs" title={t('title')}>
      <Text>{t(kind, { model: vectors?.model ?? '' })}</Text>
      <Text size="sm" c="dimmed" className="numbers">
        {t('passages', { count: passages })}
        {builtAt !== undefined && ` · ${t('builtAt', { time: writing.dateTime(builtAt) })}`}
      </Text>
      {outOfDateScenes > 0 && <Text size="sm">{t('outOfDate', { count: outOfDateScenes })}</Text>}
      {isBusy && (
        <Text size="sm" c="dimmed">
          {t('busy')}
        </Text>
      )}
      {!isBusy && (
        <Action
          icon={isCurrent ? <IconRefresh size={16} aria-hidden /> : <IconListSearch size={16} aria-hidden />}
          onClick={asking.open}
        >
          {kind === 'none' ? t('make') : isCurrent ? t('anew') : t('renew')}
        </Action>
      )}
      {isAsking && <MakeIndex novelId={novel.id} onClose={asking.close} />}
    </Panel>
  )
}

function Action({ icon, onClick, children }: { icon: ReactNode; onClick: () => void; children: ReactNode }) {
  if (!useMay('write')) return null
  return (
    <Button variant="light" size="xs" w="fit-content" leftSection={icon} onClick={onClick}>
      {children}
    </Button>
  )
}

/** Asks how every scene is to be summarised anew, says what that costs, and asks what it may cost. */
function SummariseAnew({ novelId, onClose }: { novelId: string; onClose: () => void }) {
  const t = useTranslations('novels.how')
  const scenes = useTranslations('scenes.write')
  const [chosen, choose] = useState<string>()
  const [tokens, setTokens] = useState<number | ''>('')
  const { model, writes, isKnown } = useSummariser(chosen)
  const taskType = 'BatchGenerateSummary'
  const parameters = { novelId, model, overwriteExisting: true }
  const budget = writes && tokens !== '' ? { tokens } : undefined
  const { mutate, error, isPending } = useSubmitAndOpen({ taskType, parameters, ...(budget && { budget }) })
  return (
    <Dialog title={t('titleAnew')} onClose={onClose}>
      <DialogForm
        onSubmit={() => mutate()}
        error={error}
        action={t('action')}
        isBusy={isPending}
        isDisabled={!isKnown}
      >
        <HowToSummarise value={model} onChange={choose} />
        {isKnown && <CostNotice planned={{ taskType, parameters }} />}
        {writes && (
          <NumberField
            label={scenes('budgetTokens')}
            description={scenes('budgetHint')}
            placeholder={scenes('noBudget')}
            value={tokens}
            onChange={setTokens}
            min={0}
            decimalScale={0}
            hideControls
          />
        )}
        <Text size="sm" c="dimmed">
          {t('allAnew')}
        </Text>
      </DialogForm>
    </Dialog>
  )
}

/** Asks how the scenes without a summary are to be summarised, and says what that costs. */
function SummariseNovel({
  novelId,
  missing,
  requestKey,
  onClose,
}: {
  novelId: string
  missing: number
  /** Kept beyond this dialog: after a lost answer, closing and opening it again repeats the same request. */
  requestKey: RequestKey
  onClose: () => void
}) {
  const t = useTranslations('novels.how')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [chosen, choose] = useState<string>()
  const { model, isKnown } = useSummariser(chosen)
  const { mutate, isPending } = useMutation({
    mutationFn() {
      const header = { 'idempotency-key': requestKey.of({ novelId, model }) }
      const params = { path: { novelId }, header }
      return dataOf(api.POST('/v1/novels/{novelId}:summarise', { params, body: { model } }))
    },
    onError: notifyError,
    onSuccess() {
      requestKey.answered()
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
      isDisabled={!isKnown}
      onConfirm={mutate}
      onClose={onClose}
    >
      <HowToSummarise value={model} onChange={choose} />
      {isKnown && (
        <CostNotice planned={{ taskType: 'BatchGenerateSummary', parameters: { novelId, model } }} />
      )}
      <Text size="sm" c="dimmed">
        {t('onlyMissing')}
      </Text>
    </Confirm>
  )
}

/** Asks before the index of the search is rebuilt, and says what that costs. */
export function MakeIndex({ novelId, onClose }: { novelId: string; onClose: () => void }) {
  const t = useTranslations('novels.index')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const [key] = useState(newIdempotencyKey)
  const planned = { taskType: 'Vectorize', parameters: { novelId } }
  const { mutate, isPending } = useMutation({
    mutationFn: () => submitTask(planned, key),
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
