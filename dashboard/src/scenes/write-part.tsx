import { Alert, Button, Checkbox, Code, Group, Stack, Text } from '@mantine/core'
import { IconFeather, IconPlugOff, IconRefresh } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { type Capabilities, type Off, useCapabilities, whyOff } from '../api/capabilities.ts'
import { CostWhenStill, FoldedInstructions, InstructionsField } from '../parts/asking.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import {
  budgetOf,
  type Instructions,
  isOutrun,
  isOwnSummary,
  isToBeKept,
  isTyped,
  noInstructions,
  parametersOf,
  saysWhat,
  typedOver,
  type Unit,
  unitOf,
  whatHappens,
} from '../parts/instructions.ts'
import { ButtonLink } from '../parts/links.tsx'
import { LongText } from '../parts/long-text.tsx'
import { ModelProblemText, modelCommands } from '../parts/model-setup.tsx'
import { Panel } from '../parts/panel.tsx'
import { ReferenceNotice } from '../parts/reference-notice.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { SummaryConflict } from '../parts/summary-editor.tsx'
import { type Scene, type SceneTasks, useOutline } from '../queries/novel-queries.ts'
import { PromptPreview } from './prompt-preview.tsx'
import { useEditNewest, useSubmit } from './scene-writes.ts'

const from = '/novels/$novelId/scenes/$sceneId'

/** Having a scene written: the form, why there is none without a model, or that it is being written. */
export function WritePart({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.write')
  // Here and not in the form, which is unmounted while the scene is written: another try starts with the same instructions.
  const [wanted, setWanted] = useState(noInstructions)
  const [sent, setSent] = useState(noInstructions)
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  const question = useUnsaved(isTyped(wanted) && isTyped(wanted, sent))
  return (
    <Panel title={scene.content === '' ? t('title') : t('titleAgain')} data-write>
      <Content scene={scene} tasks={tasks} wanted={wanted} onChange={change} onSent={setSent} />
      {question}
    </Panel>
  )
}

interface ContentProps extends Pick<WriteFormProps, 'scene' | 'wanted' | 'onChange' | 'onSent'> {
  tasks: SceneTasks
}

function Content({ tasks, ...form }: ContentProps) {
  const { scene } = form
  const t = useTranslations('scenes.write')
  const { data: capabilities, error, refetch } = useCapabilities()
  const { data: outline } = useOutline(scene.novelId)
  if (error !== null || capabilities === undefined || outline === undefined || !tasks.isKnown)
    return <Pending error={error} onRetry={refetch} lines={5} />
  if (outline.reference === true) return <ReferenceNotice />
  const off = whyOff(capabilities, 'GenerateScene')
  if (off !== undefined) return <NoModel off={off} scene={scene} />
  const writing = tasks.newest('GenerateScene')
  if (writing?.done === false)
    return <Text size="sm">{t(writing.waitingFor?.kind === 'signal' ? 'awaitsYou' : 'isWriting')}</Text>
  return <WriteForm {...form} capabilities={capabilities} unit={unitOf(outline.language)} />
}

/** In place of the button that has a scene written: why there is none, and what to do. */
function NoModel({ off, scene }: { off: Off; scene: Scene }) {
  const t = useTranslations('scenes.noModel')
  const { novelId, id: sceneId } = scene
  return (
    <Alert
      color="gray"
      icon={<IconPlugOff aria-hidden />}
      title={t('title')}
      // The commands scroll in their own box.
      styles={{ body: { minWidth: 0 }, message: { minWidth: 0 } }}
      data-no-model
    >
      <Stack gap="sm">
        <WhatToDo off={off} />
        <Text size="sm">{t('meanwhile')}</Text>
        <Group gap="xs">
          <ButtonLink size="xs" to="/settings" hash="models">
            {t('settings')}
          </ButtonLink>
          <ButtonLink
            size="xs"
            variant="default"
            to="/novels/$novelId/scenes/$sceneId"
            params={{ novelId, sceneId }}
            search={{ part: 'brief' }}
          >
            {t('brief')}
          </ButtonLink>
        </Group>
      </Stack>
    </Alert>
  )
}

/** One is set up and cannot be used, or there is none. */
function WhatToDo({ off: { model, problem } }: { off: Off }) {
  const t = useTranslations('scenes.noModel')
  if (model !== undefined && problem !== undefined)
    return (
      <Text size="sm">
        <ModelProblemText model={model} problem={problem} />
      </Text>
    )
  return (
    <>
      <Text size="sm">{t('text')}</Text>
      <Text size="sm">{t('how')}</Text>
      <Code block tabIndex={0} aria-label={t('how')}>
        {modelCommands.own}
      </Code>
    </>
  )
}

/** What the form of the instructions is given. */
interface WriteFormProps {
  scene: Scene
  wanted: Instructions
  onChange: (part: Partial<Instructions>) => void
  /** A task has them. */
  onSent: (sent: Instructions) => void
  capabilities: Capabilities
  unit: Unit
}

/** What is wanted of a scene, what it will cost, and the button that has it written. */
function WriteForm({ scene, wanted, onChange: change, onSent, capabilities, unit }: WriteFormProps) {
  const t = useTranslations('scenes.write')
  const { insteadOf } = useSearch({ from })
  const write = useWriteScene(scene, { unit, insteadOf }, { onChange: change, onSent })
  const hasText = scene.content.trim() !== ''
  return (
    <Form
      onSubmit={() => {
        if (saysWhat(wanted, scene) && !isOutrun(wanted, scene)) write.send(wanted)
      }}
    >
      <Stack>
        {insteadOf !== undefined && <InsteadOf />}
        <WhatHappens scene={scene} wanted={wanted} onChange={change} />
        <InstructionsField
          label={t('instructions')}
          description={t('instructionsHint')}
          wanted={wanted}
          onChange={change}
        />
        <FoldedInstructions wanted={wanted} onChange={change} capabilities={capabilities} unit={unit} />
        <Cost scene={scene} wanted={wanted} unit={unit} insteadOf={insteadOf} />
        <PromptPreview scene={scene} wanted={wanted} unit={unit} />
        {hasText && (
          <Text size="sm" c="dimmed">
            {t('beside')}
          </Text>
        )}
        {write.error !== null && <ErrorNotice error={write.error} />}
        <Button type="submit" loading={write.isPending} leftSection={<IconFeather size={18} aria-hidden />}>
          {hasText ? t('again') : t('submit')}
        </Button>
      </Stack>
    </Form>
  )
}

/** How the length is given, and the candidate that another text is asked for in place of. */
type AskedFor = Parameters<typeof parametersOf>[2]

/** Says that another text is asked for; the focus comes here from the candidate. */
function InsteadOf() {
  const t = useTranslations('scenes.write')
  const navigate = useNavigate({ from })
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'center' })
    place.current?.focus()
  }, [])
  return (
    <Alert color="ink" icon={<IconRefresh aria-hidden />} tabIndex={-1} ref={place} data-instead-of>
      <Stack gap="xs">
        <Text size="sm">{t('insteadOf')}</Text>
        <Button
          size="compact-sm"
          variant="subtle"
          w="fit-content"
          onClick={() => void navigate({ search: {}, replace: true, resetScroll: false })}
        >
          {t('notInstead')}
        </Button>
      </Stack>
    </Alert>
  )
}

/** Keeps what is to happen as the summary of the scene where that is wanted, unless a newer one came that nobody saw; then submits. */
function useWriteScene(
  scene: Scene,
  asked: AskedFor,
  { onChange, onSent }: Pick<WriteFormProps, 'onChange' | 'onSent'>,
) {
  const navigate = useNavigate({ from })
  const keep = useEditNewest(scene)
  const submit = useSubmit(scene.id)
  return {
    error: keep.error ?? submit.error,
    isPending: keep.isPending || submit.isPending,
    async send(wanted: Instructions) {
      // Another try may be made without it.
      keep.reset()
      const budget = budgetOf(wanted)
      const isKept = isToBeKept(wanted) && isOwnSummary(wanted, scene)
      try {
        const summaryOver = (seen: Scene) =>
          isOutrun(wanted, seen) ? undefined : { summary: whatHappens(wanted, seen).trim() }
        const written = isKept ? await keep.mutateAsync(summaryOver) : scene
        if (written === undefined) return
        const kept = isKept ? { summary: undefined } : {}
        onChange(kept)
        await submit.mutateAsync({
          taskType: 'GenerateScene',
          parameters: parametersOf(wanted, written, asked),
          ...defined({ budget }),
        })
        onSent({ ...wanted, ...kept })
        if (asked.insteadOf !== undefined) void navigate({ search: {}, replace: true, resetScroll: false })
      } catch {
        // Shown above the button.
      }
    },
  }
}

type WhatHappensProps = Pick<WriteFormProps, 'scene' | 'wanted' | 'onChange'>

function WhatHappens({ scene, wanted, onChange }: WhatHappensProps) {
  const t = useTranslations('scenes.write')
  const { data: novel } = useOutline(scene.novelId)
  const typed = whatHappens(wanted, scene)
  return (
    <Stack gap="xs">
      <LongText
        label={t('summary')}
        description={scene.summary?.method === 'extractive' ? t('summaryIsQuoted') : t('summaryHint')}
        minRows={3}
        maxRows={14}
        maxLength={10_000}
        value={typed}
        onType={text => onChange({ summary: typedOver(wanted, scene, text) })}
      />
      {isOwnSummary(wanted, scene) && (
        <Checkbox
          label={t('keepSummary')}
          checked={isToBeKept(wanted)}
          onChange={({ currentTarget }) => onChange({ keepSummary: currentTarget.checked })}
        />
      )}
      {isOutrun(wanted, scene) && (
        <SummaryConflict
          mine={typed}
          there={scene}
          language={novel?.language}
          edit={{
            isPending: false,
            error: null,
            keepMine: () => onChange({ summary: { text: typed, over: scene.summary?.text ?? '' } }),
            takeTheirs: () => onChange({ summary: undefined }),
          }}
        />
      )}
    </Stack>
  )
}

/** What it will cost with the present instructions. */
function Cost({ scene, wanted, ...asked }: AskedFor & { scene: Scene; wanted: Instructions }) {
  const t = useTranslations('scenes.write')
  if (!saysWhat(wanted, scene)) return <Alert color="gray">{t('sayWhat')}</Alert>
  return (
    <CostWhenStill planned={{ taskType: 'GenerateScene', parameters: parametersOf(wanted, scene, asked) }} />
  )
}
