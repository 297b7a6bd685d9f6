import { Alert, Box, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconArrowsSplit } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { CopyThis } from '../parts/export-text.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import type { Typed } from './draft.ts'
import styles from './scenes.module.css'

/** What the choice between two versions is given. */
interface BothVersionsProps {
  mine: Typed
  theirs: Scene
  isBusy: boolean
  /** Why what was chosen could not be saved. */
  error?: unknown
  onKeepMine: () => void
  onTakeTheirs: () => void
  onBack: () => void
}

/** The scene was changed while somebody edited it: both versions, and the choice. Whatever is chosen, the other one is not lost. */
export function BothVersions(props: BothVersionsProps) {
  const { mine, theirs, isBusy, error = null, onKeepMine, onTakeTheirs, onBack } = props
  const t = useTranslations('scenes.both')
  return (
    <Stack data-both-versions>
      <Alert color="yellow" icon={<IconArrowsSplit aria-hidden />} title={t('title')} role="alert">
        {t('text')}
      </Alert>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Version title={t('mine')} text={mine} hint={t('mineHint')} which="mine">
          <Button size="xs" onClick={onKeepMine} loading={isBusy}>
            {t('keepMine')}
          </Button>
          <CopyThis text={mine.content} />
        </Version>
        <Version
          title={t('theirs')}
          text={{ title: theirs.title ?? '', content: theirs.content }}
          hint={theirs.textOrigin === undefined ? '' : <Provenance origin={theirs.textOrigin} />}
          which="theirs"
        >
          <Button size="xs" variant="default" onClick={onTakeTheirs} disabled={isBusy}>
            {t('takeTheirs')}
          </Button>
          <CopyThis text={theirs.content} />
        </Version>
      </SimpleGrid>
      {error !== null && <ErrorNotice error={error} />}
      <Group>
        <Button variant="subtle" onClick={onBack}>
          {t('back')}
        </Button>
      </Group>
    </Stack>
  )
}

interface VersionProps {
  title: string
  text: Typed
  hint: ReactNode
  which: 'mine' | 'theirs'
  children: ReactNode
}

function Version({ title, text, hint, which, children }: VersionProps) {
  return (
    <Paper withBorder p="md" data-version={which}>
      <Stack gap="sm">
        <Title order={3}>{title}</Title>
        <Text component="div" size="xs" c="dimmed">
          {hint}
        </Text>
        <Group gap="xs">{children}</Group>
        {text.title !== '' && <Text fw={600}>{text.title}</Text>}
        <Box component="section" className={styles['side'] ?? ''} tabIndex={0} aria-label={title}>
          <Text component="div" className="prose" inherit>
            {text.content}
          </Text>
        </Box>
      </Stack>
    </Paper>
  )
}
