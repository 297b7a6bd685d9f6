import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconBook2, IconPlugConnectedX } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ErrorNotice } from '../parts/states.tsx'
import { type Chosen, type Confirmed, chosenChapters, confirmedImport } from './choice.ts'
import classes from './imports.module.css'
import { DiscardButton } from './states.tsx'
import type { Upload } from './upload-query.ts'

interface ConfirmBarProps {
  upload: Upload
  chosen: Chosen
  title: string
  /** It is read in another encoding: what is shown is not what was chosen. */
  isBeingRead: boolean
}

/** What is about to be imported, and the buttons that say yes or no to it. Stays in view. */
export function ConfirmBar({ upload, chosen, title, isBeingRead }: ConfirmBarProps) {
  const t = useTranslations('imports')
  const confirm = useConfirmImport(upload.id)
  const chapters = chosenChapters(chosen)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  const send = () => confirm.mutate(confirmedImport(chosen, title))
  return (
    <Stack gap="sm" py="md" className={classes['bar'] ?? ''}>
      {confirm.error !== null && <NotConfirmed error={confirm.error} onRetry={send} />}
      <Group justify="space-between" gap="sm">
        <Text size="sm" className="numbers" aria-live="polite" flex="1 1 12rem">
          {chapters.length === 0
            ? t('nothingChosen')
            : t('chosen', { chosen: chapters.length, chapters: chosen.chapters.length, words })}
        </Text>
        <Group gap="xs" wrap="nowrap" justify="flex-end" flex="1 1 auto">
          <DiscardButton upload={upload} />
          <Button
            leftSection={<IconBook2 size={18} aria-hidden />}
            px={{ base: 'sm', sm: 'lg' }}
            loading={confirm.isPending}
            disabled={chapters.length === 0 || title.trim() === '' || isBeingRead}
            onClick={send}
          >
            {t('confirm')}
          </Button>
        </Group>
      </Group>
    </Stack>
  )
}

/** A lost answer says nothing of what became of the question; asking again is safe, and that is said. */
function NotConfirmed({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const t = useTranslations()
  if (codeOf(error) !== 'OFFLINE') return <ErrorNotice error={error} onRetry={onRetry} />
  return (
    <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} role="alert">
      <Group justify="space-between" gap="sm">
        <Text size="sm" flex="1 1 12rem">
          {t('imports.lostAnswer')}
        </Text>
        <Button size="xs" variant="default" onClick={onRetry}>
          {t('actions.retry')}
        </Button>
      </Group>
    </Alert>
  )
}

/**
 * Makes a novel of an upload and goes to the task that does it. The server answers the same novel however often it is asked, so a lost
 * answer is simply asked for again; where it was confirmed in another way meanwhile, the page finds that out and says so.
 */
function useConfirmImport(uploadId: string) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const readAgain = () => queries.invalidateQueries({ queryKey: ['uploads'] })
  return useMutation({
    mutationFn: (body: Confirmed) =>
      dataOf(api.POST('/v1/uploads/{uploadId}:confirm', { params: { path: { uploadId } }, body })),
    onError(error) {
      if (['IDEMPOTENCY_KEY_REUSED', 'UPLOAD_NOT_FOUND', 'UPLOAD_CONFIRMED'].includes(codeOf(error)))
        void readAgain()
    },
    async onSuccess({ taskId }) {
      await navigate({ to: '/tasks/$taskId', params: { taskId } })
      void readAgain()
      for (const queryKey of [keys.novels, keys.taskLists, keys.taskCounts])
        void queries.invalidateQueries({ queryKey })
    },
  })
}
