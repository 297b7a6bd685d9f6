import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconGitMerge } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Scene } from '../queries/scene-queries.ts'
import { Provenance } from './provenance.tsx'
import classes from './summary.module.css'

interface SummaryConflictProps {
  mine: string
  /** The scene as it is now. */
  there: Scene
  language: string | undefined
  isBusy: boolean
  onKeepMine: () => void
  onTakeTheirs: () => void
}

/** Shows two versions of a summary, since the scene changed while one was written, and lets the person choose. */
export function SummaryConflict({
  mine,
  there,
  language,
  isBusy,
  onKeepMine,
  onTakeTheirs,
}: SummaryConflictProps) {
  const t = useTranslations('parts.summary')
  return (
    <Stack gap="sm" role="group" aria-label={t('changedTitle')}>
      <Alert
        color="gray"
        variant="light"
        icon={<IconGitMerge aria-hidden />}
        title={t('changedTitle')}
        role="alert"
      >
        {t('changedText')}
      </Alert>
      <Version title={t('mine')} text={mine} language={language} />
      <Version title={t('theirs')} text={there.summary?.text ?? ''} language={language} />
      {there.summary !== undefined && (
        <Provenance origin={there.summary} isOutOfDate={there.summary.outOfDate} />
      )}
      <Group gap="xs">
        <Button size="xs" onClick={onKeepMine} loading={isBusy}>
          {t('keepMine')}
        </Button>
        <Button size="xs" variant="default" onClick={onTakeTheirs}>
          {t('takeTheirs')}
        </Button>
      </Group>
    </Stack>
  )
}

function Version({ title, text, language }: { title: string; text: string; language: string | undefined }) {
  const t = useTranslations('parts.summary')
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Text className={classes['text'] ?? ''} lang={language}>
        {text === '' ? t('none') : text}
      </Text>
    </div>
  )
}
