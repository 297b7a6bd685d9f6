import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight, IconFeather, IconSparkles } from '@tabler/icons-react'
import type { RefObject } from 'react'
import { useTranslations } from 'use-intl'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { Provenance } from '../parts/provenance.tsx'
import summaryClasses from '../parts/summary.module.css'
import { SummaryEditor } from '../parts/summary-editor.tsx'
import type { SceneEntry } from './novel.ts'
import classes from './reader.module.css'
import { SummariseScene } from './summarise-scene.tsx'
import { SummaryProgress } from './summary-progress.tsx'
import { type SummaryTask, useSummaryTask } from './summary-task.ts'

interface SummaryProps {
  scene: SceneEntry
  language: string | undefined
}

/** The summary of a scene: beside the text where there is room, else above it, where it can be opened. */
export function SummaryPanel(props: SummaryProps) {
  const t = useTranslations('novels.summary')
  const [isOpen, opened] = useDisclosure()
  const making = useSummaryTask(props.scene)
  const Icon = isOpen ? IconChevronDown : IconChevronRight
  return (
    <aside className={classes['aside']} aria-label={t('title')}>
      <Button
        className={classes['opener'] ?? ''}
        variant="subtle"
        size="compact-sm"
        leftSection={<Icon size={16} aria-hidden />}
        aria-expanded={isOpen}
        onClick={opened.toggle}
      >
        {t('title')}
      </Button>
      <Paper withBorder p="md" className={isOpen ? '' : (classes['closed'] ?? '')}>
        <Summary {...props} making={making} />
        <SummaryProgress scene={props.scene} making={making} />
      </Paper>
    </aside>
  )
}

function Summary({ scene, language, making }: SummaryProps & { making: SummaryTask }) {
  const t = useTranslations('novels.summary')
  const [isEditing, editing] = useDisclosure()
  const opener = useFocusBack(isEditing)
  const { summary } = scene
  return (
    <Stack gap="sm">
      <Title order={3} visibleFrom="lg">
        {t('title')}
      </Title>
      {isEditing ? (
        <SummaryEditor
          scene={scene}
          language={language}
          isBeingMade={making.isBusy}
          onClose={editing.close}
        />
      ) : (
        <>
          {summary === undefined ? (
            <Text c="dimmed">{t('none')}</Text>
          ) : (
            <Text className={summaryClasses['text'] ?? ''} lang={language}>
              {summary.text}
            </Text>
          )}
          {summary !== undefined && <Provenance origin={summary} isOutOfDate={summary.outOfDate} />}
          <SummaryActions scene={scene} making={making} opener={opener} onEdit={editing.open} />
        </>
      )}
    </Stack>
  )
}

interface SummaryActionsProps {
  scene: SceneEntry
  making: SummaryTask
  /** The button that opens the editor. */
  opener: RefObject<HTMLButtonElement | null>
  onEdit: () => void
}

function SummaryActions({ scene, making, opener, onEdit }: SummaryActionsProps) {
  const t = useTranslations('novels.summary')
  const [isAsking, asking] = useDisclosure()
  const isThere = scene.summary !== undefined
  return (
    <Group gap="xs">
      <Button
        ref={opener}
        variant="default"
        size="xs"
        leftSection={<IconFeather size={14} aria-hidden />}
        onClick={onEdit}
      >
        {isThere ? t('edit') : t('write')}
      </Button>
      {scene.words > 0 && !making.isBusy && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconSparkles size={14} aria-hidden />}
          onClick={asking.open}
        >
          {isThere ? t('makeAnew') : t('make')}
        </Button>
      )}
      {isAsking && <SummariseScene scene={scene} onSubmit={making.submit} onClose={asking.close} />}
    </Group>
  )
}
