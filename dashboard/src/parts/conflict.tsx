import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconGitMerge } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import type { VersionedEdit } from '../queries/versioned-edit.ts'
import { ErrorNotice } from './states.tsx'

interface ConflictProps {
  /** What happened. Default: that somebody changed it. */
  title?: string
  /** What there is to choose. */
  text?: string
  mine: string
  theirs: string
  /** Of both; unless given, that of the page. */
  language?: string | undefined
  /** What saves the one that is chosen. */
  edit: Pick<VersionedEdit<unknown>, 'isPending' | 'error' | 'keepMine' | 'takeTheirs'>
  /** Where theirs comes from. */
  children?: ReactNode
}

/** Shows what is typed beside what somebody else saved meanwhile, and lets the person choose. */
export function Conflict(props: ConflictProps) {
  const t = useTranslations('parts.conflict')
  const { title = t('title'), text = t('text'), mine, theirs, language } = props
  const { isPending, error, keepMine, takeTheirs } = props.edit
  return (
    <Stack gap="sm" role="group" aria-label={title}>
      <Alert color="gray" icon={<IconGitMerge aria-hidden />} title={title} role="alert">
        {text}
      </Alert>
      <Version title={t('mine')} text={mine} language={language} />
      <Version title={t('theirs')} text={theirs} language={language} />
      {props.children}
      {error !== null && <ErrorNotice error={error} />}
      <Group gap="xs">
        <Button size="xs" onClick={keepMine} loading={isPending}>
          {t('keepMine')}
        </Button>
        <Button size="xs" variant="default" onClick={takeTheirs} disabled={isPending}>
          {t('takeTheirs')}
        </Button>
      </Group>
    </Stack>
  )
}

function Version({ title, text, language }: { title: string; text: string; language?: string | undefined }) {
  const t = useTranslations('parts.conflict')
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Text className="summary" lang={language}>
        {text === '' ? t('nothing') : text}
      </Text>
    </div>
  )
}
