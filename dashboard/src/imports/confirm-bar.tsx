import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconBook2, IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/problem.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { useConfirmImport } from './confirm-import.ts'
import type { Estimate } from './import-estimate.ts'
import classes from './imports.module.css'
import { type Chosen, chosenChapters, confirmedImport } from './planned.ts'
import { DiscardButton } from './states.tsx'
import type { Upload } from './upload-query.ts'

interface ConfirmBarProps {
  upload: Upload
  chosen: Chosen
  title: string
  estimate: Estimate | undefined
}

/** What is about to be imported, and the buttons that say yes or no to it. Stays in view. */
export function ConfirmBar({ upload, chosen, title, estimate }: ConfirmBarProps) {
  const t = useTranslations('imports')
  const confirm = useConfirmImport(upload.id)
  const chapters = chosenChapters(chosen)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  const send = () => confirm.mutate(confirmedImport(chosen, title, estimate))
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
            disabled={chapters.length === 0 || title.trim() === ''}
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
    <Alert color="yellow" variant="light" icon={<IconPlugConnectedX aria-hidden />} role="alert">
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
