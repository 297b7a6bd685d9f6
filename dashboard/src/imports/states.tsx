import { Box, Button, Group, Paper, Stack, Text } from '@mantine/core'
import { IconBook2 } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { type Task, unsuccessfulStatuses } from '../api/task.ts'
import { DiscardUpload } from '../parts/discard-upload.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { Empty, ErrorNotice, Loading, Pending } from '../parts/states.tsx'
import { isBeforeNovel } from '../parts/subject.ts'
import { isNovelMissing, useOutline } from '../queries/novel-queries.ts'
import { useTask } from '../queries/task-queries.ts'

/** While the file is being read, which takes seconds for a long one. */
export function Reading() {
  const t = useTranslations('imports')
  return (
    <Paper withBorder p="xl">
      <Stack>
        <Text>{t('reading')}</Text>
        <Loading lines={6} />
      </Stack>
    </Paper>
  )
}

/** In place of an upload that expired, or was thrown away. */
export function UploadNotFound() {
  const t = useTranslations('imports.notFound')
  return (
    <Empty title={t('title')} text={t('text')}>
      <ButtonLink to="/" mt="sm">
        {t('back')}
      </ButtonLink>
    </Empty>
  )
}

type Confirmation = NonNullable<components['schemas']['Upload']['confirmation']>

/** In place of an upload that was confirmed: what became of it, and the way to its novel as long as that is there. */
export function ConfirmedUpload({ confirmation }: { confirmation: Confirmation }) {
  const t = useTranslations('imports.already')
  const parts = useTranslations('parts')
  const { taskId, novelId } = confirmation
  const { task, state, ...failure } = useImported(confirmation)
  if (state === undefined) return <Pending {...failure} />
  return (
    <Empty title={t(`${state}.title`)} text={t(`${state}.text`)}>
      {state === 'coming' && task !== undefined && (
        <Box w="100%">
          <TaskProgress task={task} />
        </Box>
      )}
      <Group mt="sm" justify="center">
        {state === 'there' && (
          <ButtonLink
            to="/novels/$novelId"
            params={{ novelId }}
            leftSection={<IconBook2 size={18} aria-hidden />}
          >
            {parts('openNovel')}
          </ButtonLink>
        )}
        {task !== undefined && (
          <ButtonLink to="/tasks/$taskId" params={{ taskId }} variant="default">
            {t('task')}
          </ButtonLink>
        )}
        {state === 'gone' && (
          <ButtonLink to="/" variant="default">
            {t('back')}
          </ButtonLink>
        )}
      </Group>
    </Empty>
  )
}

/** Reads what became of an upload that was confirmed. `state` is undefined until it is known. */
function useImported({ taskId, novelId }: Confirmation) {
  const { data: task, error: taskError } = useTask(taskId)
  const isComing = task !== undefined && isBeforeNovel(task)
  // Ended tasks are deleted after a while; the novel stays.
  const isWanted = !isComing && (task !== undefined || taskError !== null)
  const { data: novel, error, refetch } = useOutline(novelId, isWanted)
  const state = isComing ? 'coming' : isNovelMissing(error) ? withoutNovel(task) : novel && 'there'
  return { task, state, error, onRetry: refetch } as const
}

/** Returns why there is no novel: its import failed or was stopped, or it was deleted since. */
function withoutNovel(task: Task | undefined): 'failed' | 'gone' {
  return unsuccessfulStatuses.some(status => status === task?.status) ? 'failed' : 'gone'
}

/** In place of a file that cannot be read: why, and a way out. */
export function Unreadable({
  uploadId,
  error,
  onRetry,
}: {
  uploadId: string
  error: unknown
  onRetry: () => void
}) {
  const t = useTranslations('imports')
  return (
    <Stack>
      <ErrorNotice error={error} onRetry={onRetry} />
      <Group>
        <DiscardButton upload={{ id: uploadId, fileName: t('thisFile') }} />
        <ButtonLink to="/" variant="default">
          {t('notFound.back')}
        </ButtonLink>
      </Group>
    </Stack>
  )
}

/** Throws the upload away, and goes back to the shelf. */
export function DiscardButton({
  upload,
}: {
  upload: Pick<components['schemas']['Upload'], 'id' | 'fileName'>
}) {
  const t = useTranslations('imports')
  const navigate = useNavigate()
  const [asks, setAsks] = useState(false)
  return (
    <>
      <Button variant="subtle" color="gray" px="sm" onClick={() => setAsks(true)}>
        {t('discard')}
      </Button>
      {asks && (
        <DiscardUpload
          upload={upload}
          onClose={() => setAsks(false)}
          onDone={() => void navigate({ to: '/' })}
        />
      )}
    </>
  )
}
