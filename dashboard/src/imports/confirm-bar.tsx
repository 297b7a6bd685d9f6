import { Button, Group, Stack, Text } from '@mantine/core'
import { IconBook2 } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
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
      {confirm.error !== null && <ErrorNotice error={confirm.error} onRetry={send} />}
      <Group justify="space-between" gap="sm">
        <Text size="sm" className="numbers" aria-live="polite" flex="1 1 12rem">
          {chapters.length === 0
            ? t('nothingChosen')
            : t('chosen', { chosen: chapters.length, chapters: chosen.chapters.length, words })}
        </Text>
        <Group gap="xs" wrap="nowrap" justify="flex-end" flex="1 0 auto">
          <DiscardButton upload={upload} />
          <Button
            leftSection={<IconBook2 size={18} aria-hidden />}
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
