import {
  Alert,
  Button,
  Checkbox,
  Code,
  Collapse,
  Group,
  Paper,
  Stack,
  Text,
  Textarea,
  Title,
} from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconFeather, IconPlugOff } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { type Capabilities, type Off, useCapabilities, whyOff } from '../api/capabilities.ts'
import { codeOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { Form } from '../parts/form.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { ModelProblemText, modelCommands } from '../parts/model-setup.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { SummaryConflict } from '../parts/summary-editor.tsx'
import { readScene, type Scene, type SceneTasks, useOutline } from '../queries/novel-queries.ts'
import { MoreInstructions } from './instruction-fields.tsx'
import {
  budgetOf,
  hasMore,
  type Instructions,
  isOutrun,
  isOwnSummary,
  isToBeKept,
  noInstructions,
  parametersOf,
  saysWhat,
  typedOver,
  type Unit,
  unitOf,
  whatHappens,
} from './instructions.ts'
import { useEdit, useSubmit } from './scene-writes.ts'

/** Having a scene written: the form, why there is none without a model, or that it is being written. */
export function WritePart({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.write')
  // Here and not in the form, which is unmounted while the scene is written: another try starts with the same instructions.
  const [wanted, setWanted] = useState(noInstructions)
  const change = (part: Partial<Instructions>) => setWanted(now => ({ ...now, ...part }))
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="write-title" data-write>
      <Stack gap="sm">
        <Title order={2} id="write-title">
          {scene.content === '' ? t('title') : t('titleAgain')}
        </Title>
        <Content scene={scene} tasks={tasks} wanted={wanted} onChange={change} />
      </Stack>
    </Paper>
  )
}

interface ContentProps extends Pick<WriteFormProps, 'scene' | 'wanted' | 'onChange'> {
  tasks: SceneTasks
}

function Content({ tasks, ...form }: ContentProps) {
  const { scene } = form
  const t = useTranslations('scenes.write')
  const { data: capabilities, error, refetch } = useCapabilities()
  const { data: outline } = useOutline(scene.novelId)
  if (error !== null || capabilities === undefined || outline === undefined || !tasks.isKnown)
    return <Pending error={error} onRetry={refetch} lines={5} />
  const off = whyOff(capabilities, 'GenerateScene')
  if (off !== undefined) return <NoModel off={off} scene={scene} />
  if (tasks.newest('GenerateScene')?.done === false) return <Text size="sm">{t('isWriting')}</Text>
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

/** Milliseconds without typing before the costs are asked for. */
const stillMs = 400

/** What the form of the instructions is given. */
interface WriteFormProps {
  scene: Scene
  wanted: Instructions
  onChange: (part: Partial<Instructions>) => void
  capabilities: Capabilities
  unit: Unit
}

/** What is wanted of a scene, what it will cost, and the button that has it written. */
function WriteForm({ scene, wanted, onChange: change, capabilities, unit }: WriteFormProps) {
  const t = useTranslations('scenes.write')
  const [isMore, more] = useDisclosure(hasMore(wanted))
  const write = useWrite(scene, unit, () => change({ summary: undefined }))
  const hasText = scene.content.trim() !== ''
  return (
    <Form
      onSubmit={() => {
        if (saysWhat(wanted, scene) && !isOutrun(wanted, scene)) write.send(wanted)
      }}
    >
      <Stack>
        <WhatHappens scene={scene} wanted={wanted} onChange={change} />
        <Textarea
          label={t('instructions')}
          description={t('instructionsHint')}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={4_000}
          value={wanted.instructions}
          onChange={({ currentTarget }) => change({ instructions: currentTarget.value })}
        />
        <Button
          variant="subtle"
          size="compact-sm"
          onClick={more.toggle}
          aria-expanded={isMore}
          rightSection={<IconChevronDown size={16} aria-hidden />}
          justify="flex-start"
          w="fit-content"
        >
          {t('more')}
        </Button>
        <Collapse expanded={isMore}>
          <MoreInstructions wanted={wanted} onChange={change} capabilities={capabilities} unit={unit} />
        </Collapse>
        <Cost scene={scene} wanted={wanted} unit={unit} />
        {hasText && (
          <Text size="sm" c="dimmed">
            {t('oldIsKept')}
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

/** Keeps what is to happen as the summary of the scene where that is wanted, then submits. */
function useWrite(scene: Scene, unit: Unit, onKept: () => void) {
  const keep = useKeepSummary(scene)
  const submit = useSubmit(scene.id)
  return {
    error: keep.error ?? submit.error,
    isPending: keep.isPending || submit.isPending,
    async send(wanted: Instructions) {
      const budget = budgetOf(wanted)
      const isKept = isToBeKept(wanted) && isOwnSummary(wanted, scene)
      try {
        const written = isKept ? await keep.mutateAsync(wanted) : scene
        if (written === undefined) return
        if (isKept) onKept()
        await submit.mutateAsync({
          taskType: 'GenerateScene',
          parameters: parametersOf(wanted, written, unit),
          ...defined({ budget }),
        })
      } catch {
        // Shown above the button.
      }
    },
  }
}

/** Saves what is to happen as the summary of the scene, unless a newer one came that nobody saw: undefined then. */
function useKeepSummary(scene: Scene) {
  const queries = useQueryClient()
  const edit = useEdit(scene.id)
  const keep = async (wanted: Instructions, seen: Scene): Promise<Scene | undefined> => {
    if (isOutrun(wanted, seen)) return undefined
    try {
      return await edit.mutateAsync({ edit: { summary: whatHappens(wanted, seen).trim() }, seen })
    } catch (failure) {
      if (codeOf(failure) !== 'SCENE_CHANGED') throw failure
      const newest = await readScene(scene.id)
      queries.setQueryData(keys.scene(scene.id), newest)
      return keep(wanted, newest)
    }
  }
  return useMutation({ mutationFn: (wanted: Instructions) => keep(wanted, scene) })
}

type WhatHappensProps = Pick<WriteFormProps, 'scene' | 'wanted' | 'onChange'>

function WhatHappens({ scene, wanted, onChange }: WhatHappensProps) {
  const t = useTranslations('scenes.write')
  const { data: novel } = useOutline(scene.novelId)
  const typed = whatHappens(wanted, scene)
  return (
    <Stack gap="xs">
      <Textarea
        label={t('summary')}
        description={scene.summary?.method === 'extractive' ? t('summaryIsQuoted') : t('summaryHint')}
        autosize
        minRows={3}
        maxRows={14}
        maxLength={10_000}
        value={typed}
        onChange={({ currentTarget }) => onChange({ summary: typedOver(wanted, scene, currentTarget.value) })}
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
          isBusy={false}
          onKeepMine={() => onChange({ summary: { text: typed, over: scene.summary?.text ?? '' } })}
          onTakeTheirs={() => onChange({ summary: undefined })}
        />
      )}
    </Stack>
  )
}

/** What it will cost with the present instructions. */
function Cost({ scene, wanted, unit }: { scene: Scene; wanted: Instructions; unit: Unit }) {
  const t = useTranslations('scenes.write')
  const [still] = useDebouncedValue(wanted, stillMs)
  if (!saysWhat(wanted, scene)) return <Alert color="gray">{t('sayWhat')}</Alert>
  if (!saysWhat(still, scene)) return null
  return <CostNotice planned={{ taskType: 'GenerateScene', parameters: parametersOf(still, scene, unit) }} />
}
