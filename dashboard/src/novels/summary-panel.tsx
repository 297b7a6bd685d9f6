import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconAlertTriangle,
  IconChevronDown,
  IconChevronRight,
  IconFeather,
  IconInfoCircle,
  IconSparkles,
} from '@tabler/icons-react'
import { type RefObject, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useMay } from '../api/me.ts'
import { type Task, wordsOf } from '../api/task.ts'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { SummaryEditor } from '../parts/summary-editor.tsx'
import { HowToSummarise, useSummariser } from './how-to-summarise.tsx'
import type { SceneEntry } from './novel.ts'
import { plannedSummary, type SummaryInstructions, type SummaryTask, useSummaryTask } from './novel-tasks.ts'
import classes from './reader.module.css'

interface SummaryProps {
  scene: SceneEntry
  language: string | undefined
}

/** The summary of a scene: beside the text where there is space, else above it, where it can be opened. */
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
            <Text className="summary" lang={language}>
              {summary.text}
            </Text>
          )}
          {summary !== undefined && <Provenance origin={summary} isOutOfDate={summary.outOfDate} />}
          <May need="write">
            <SummaryActions scene={scene} making={making} opener={opener} onEdit={editing.open} />
          </May>
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

/** How far the making of a summary is, what became of it where that was not a summary, and the way to its task. */
function SummaryProgress({ scene, making }: { scene: SceneEntry; making: SummaryTask }) {
  const { task, isBusy } = making
  return (
    <div aria-live="polite">
      {isBusy && <Making task={task} onCancel={making.cancel} />}
      {task?.done === true && !isBusy && <Outcome scene={scene} task={task} />}
    </div>
  )
}

function Making({ task, onCancel }: { task: Task | undefined; onCancel: () => void }) {
  const t = useTranslations('novels.summary')
  const actions = useTranslations('actions')
  const canWrite = useMay('write')
  return (
    <Stack gap="xs" mt="sm" data-making={task?.status ?? 'QUEUED'}>
      <Group gap="xs">
        <StatusBadge status={task?.status ?? 'QUEUED'} />
        {task !== undefined && <ToTask task={task} />}
      </Group>
      {task?.waitingFor?.kind === 'limit' && <Text size="sm">{t('waitsForLimit')}</Text>}
      {task?.waitingFor?.kind === 'budget' && <Text size="sm">{t('waitsForBudget')}</Text>}
      {task?.status === 'RETRYING' && task.errorInfo?.authorMessage !== undefined && (
        <Text size="sm">{task.errorInfo.authorMessage}</Text>
      )}
      {task !== undefined && canWrite && (
        <Group>
          <Button
            variant="subtle"
            size="compact-sm"
            onClick={onCancel}
            loading={task.cancelRequestedAt !== undefined}
          >
            {actions('stop')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}

function ToTask({ task }: { task: Task }) {
  const t = useTranslations('novels.summary')
  return (
    <TextLink to="/tasks/$taskId" params={{ taskId: task.id }} size="sm">
      {t('toTask')}
    </TextLink>
  )
}

/** A summary that came speaks for itself; everything else is said. */
function Outcome({ scene, task }: { scene: SceneEntry; task: Task }) {
  const t = useTranslations('novels.summary')
  if (isConflict(task.result))
    return (
      <Alert mt="sm" color="gray" icon={<IconInfoCircle aria-hidden />}>
        <Text size="sm">{t('conflict')}</Text>
        <TextLink
          to="/novels/$novelId/scenes/$sceneId"
          params={{ novelId: scene.novelId, sceneId: scene.id }}
          size="sm"
        >
          {t('toHistory')}
        </TextLink>
      </Alert>
    )
  if (task.status === 'CANCELLED')
    return (
      <Text mt="sm" size="sm">
        {t('cancelled')}
      </Text>
    )
  if (task.errorInfo === undefined || task.status === 'COMPLETED') return null
  return (
    <Alert mt="sm" color="red" icon={<IconAlertTriangle aria-hidden />} title={t('failed')}>
      <Text size="sm">{wordsOf(task.errorInfo)}</Text>
      <ToTask task={task} />
    </Alert>
  )
}

function isConflict(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'conflict' in result && result.conflict === true
}

/** Most characters of an instruction for the style. */
const longestStyle = 1_000

/** Asks how a scene is to be summarised, and says what that costs. */
function SummariseScene({
  scene,
  onSubmit,
  onClose,
}: {
  scene: SceneEntry
  onSubmit: (instructions: SummaryInstructions) => void
  onClose: () => void
}) {
  const t = useTranslations('novels.how')
  const [chosen, choose] = useState<string>()
  const [style, setStyle] = useState('')
  const { model, writes, isKnown } = useSummariser(chosen)
  const instructions: SummaryInstructions = {
    model,
    ...(writes && style.trim() !== '' ? { style: style.trim() } : {}),
  }
  return (
    <Confirm
      title={t('titleOne')}
      action={t('action')}
      isDisabled={!isKnown}
      onConfirm={() => {
        onSubmit(instructions)
        onClose()
      }}
      onClose={onClose}
    >
      <HowToSummarise value={model} onChange={choose} />
      {writes && (
        <TextInput
          label={t('style')}
          placeholder={t('styleExample')}
          value={style}
          maxLength={longestStyle}
          onChange={({ currentTarget }) => setStyle(currentTarget.value)}
        />
      )}
      {isKnown && <CostNotice planned={plannedSummary(scene, { model })} />}
      {scene.summary !== undefined && <Text size="sm">{t('oldIsKept')}</Text>}
    </Confirm>
  )
}
