import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconFeather, IconSparkles } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMay } from '../api/me.ts'
import { useRequestKey } from '../api/request-key.ts'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { Pending } from '../parts/states.tsx'
import { submitTask } from '../queries/task-queries.ts'
import { HowToSummarise, useSummariser } from './how-to-summarise.tsx'
import type { NovelOutline } from './novel.ts'
import { useLiveTasks } from './novel-tasks.ts'
import { UnitEditor, unitSummaryQuery } from './unit-editor.tsx'

function useSummaries(novelId: string) {
  return useQuery({
    queryKey: keys.summaries(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/summaries', { params: { path: { novelId } } })),
  })
}

/** The summaries of the book and its volumes, whether they are up to date, and how to bring them there. */
export function StorySoFar({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels.story')
  const outline = useTranslations('novels.outline')
  const { data, error, refetch } = useSummaries(novel.id)
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={3} />
  const volumes = data.items.filter(({ level, state }) => level === 'volume' && state !== 'empty')
  const book = data.items.find(({ level, state }) => level === 'book' && state !== 'empty')
  if (book === undefined) return null
  return (
    <Panel title={t('title')} hint={t(novel.reference === true ? 'ofReference' : 'explained')}>
      <UnitSummary novelId={novel.id} unitId={book.id} title={t('book')} language={novel.language} />
      {volumes.length > 1 &&
        volumes.map(({ id, title }, at) => (
          <UnitSummary
            key={id}
            novelId={novel.id}
            unitId={id}
            title={title === '' ? outline('volume', { number: at + 1 }) : title}
            language={novel.language}
          />
        ))}
      <Update novelId={novel.id} count={data.outOfDate} />
    </Panel>
  )
}

/** The summary of a chapter, above its scenes. Nothing where these have nothing to tell. */
export function ChapterSummary({
  novelId,
  chapterId,
  language,
}: {
  novelId: string
  chapterId: string
  language: string | undefined
}) {
  const t = useTranslations('novels.story')
  const { data } = useSummaries(novelId)
  const unit = data?.items.find(({ id }) => id === chapterId)
  if (data === undefined || unit === undefined || unit.state === 'empty') return null
  return (
    <Paper withBorder p="md" component="section" aria-label={t('ofChapter')}>
      <Stack gap="sm">
        <UnitSummary novelId={novelId} unitId={chapterId} title={t('ofChapter')} language={language} />
        {unit.state === 'out-of-date' && <Update novelId={novelId} count={data.outOfDate} />}
      </Stack>
    </Paper>
  )
}

interface UnitSummaryProps {
  novelId: string
  unitId: string
  title: string
  language: string | undefined
}

function UnitSummary({ novelId, unitId, title, language }: UnitSummaryProps) {
  const t = useTranslations('novels.story')
  const summaries = useTranslations('novels.summary')
  const { data } = useQuery(unitSummaryQuery(novelId, unitId))
  const [isEditing, editing] = useDisclosure()
  const opener = useFocusBack(isEditing)
  const canWrite = useMay('write')
  const action = summaries(data?.summary === undefined ? 'write' : 'edit')
  return (
    <div data-unit={unitId}>
      <Title order={3}>{title}</Title>
      {data?.summary === undefined ? (
        <Text c="dimmed">{data === undefined ? '' : t('none')}</Text>
      ) : (
        <>
          <Text className="summary" lang={language}>
            {data.summary.text}
          </Text>
          <Provenance origin={data.summary} isOutOfDate={data.state === 'out-of-date'} />
        </>
      )}
      {data !== undefined && !isEditing && canWrite && (
        <Button
          ref={opener}
          mt="xs"
          variant="default"
          size="xs"
          leftSection={<IconFeather size={14} aria-hidden />}
          onClick={editing.open}
          aria-label={t('writeOf', { action, title })}
        >
          {action}
        </Button>
      )}
      {data !== undefined && isEditing && (
        <UnitEditor {...{ novelId, title, language }} unit={data} onClose={editing.close} />
      )}
    </div>
  )
}

/** The way to bring all summaries of the novel up to date, or that they are. */
function Update({ novelId, count }: { novelId: string; count: number }) {
  const t = useTranslations('novels.story')
  const [isAsking, asking] = useDisclosure()
  const isBusy = useLiveTasks(novelId).some(({ taskType }) => taskType === 'UpdateSummaries')
  const canWrite = useMay('write')
  if (isBusy || count === 0)
    return (
      <Text size="sm" c="dimmed">
        {t(isBusy ? 'busy' : 'current')}
      </Text>
    )
  if (!canWrite) return null
  return (
    <Group>
      <Button
        variant="light"
        size="xs"
        leftSection={<IconSparkles size={16} aria-hidden />}
        onClick={asking.open}
      >
        {t('update', { count })}
      </Button>
      {isAsking && <AskToUpdate novelId={novelId} onClose={asking.close} />}
    </Group>
  )
}

/** Asks how the summaries are to be made, and says what that costs. */
function AskToUpdate({ novelId, onClose }: { novelId: string; onClose: () => void }) {
  const t = useTranslations('novels.story')
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const key = useRequestKey()
  const [chosen, choose] = useState<string>()
  const { model, isKnown } = useSummariser(chosen)
  const planned = { taskType: 'UpdateSummaries', parameters: { novelId, model } }
  const { mutate, isPending } = useMutation({
    mutationFn: () => submitTask(planned, key.of(planned)),
    onError: notifyError,
    onSuccess() {
      key.answered()
      notifyDone(t('begun'))
      void queries.invalidateQueries({ queryKey: keys.taskLists })
      onClose()
    },
  })
  return (
    <Confirm
      title={t('askTitle')}
      action={t('action')}
      isBusy={isPending}
      isDisabled={!isKnown}
      onConfirm={mutate}
      onClose={onClose}
    >
      <Text>{t('ask')}</Text>
      <HowToSummarise value={model} onChange={choose} />
      {isKnown && <CostNotice planned={planned} />}
    </Confirm>
  )
}
