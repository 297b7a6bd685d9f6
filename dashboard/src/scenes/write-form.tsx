import { Alert, Button, Checkbox, Collapse, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconFeather } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { keys } from '../api/keys.ts'
import { codeOf } from '../api/problem.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { SummaryConflict } from '../parts/summary-conflict.tsx'
import { readScene, type Scene, useOutline } from '../queries/scene-queries.ts'
import { useEdit, useSubmit } from './use-write.ts'
import { MoreWishes } from './wish-fields.tsx'
import {
  budgetOf,
  isOutrun,
  isOwnSummary,
  isToBeKept,
  parametersOf,
  saysWhat,
  typedOver,
  type Unit,
  type Wishes,
  whatHappens,
  wishesMore,
} from './wishes.ts'

/** Milliseconds without typing before the costs are asked for. */
const stillMs = 400

/** What a form of wishes is given. */
export interface WriteFormProps {
  scene: Scene
  wishes: Wishes
  onChange: (part: Partial<Wishes>) => void
  capabilities: Capabilities
  unit: Unit
}

/** What is wanted of a scene, what it will cost, and the button that has it written. */
export function WriteForm({ scene, wishes, onChange: change, capabilities, unit }: WriteFormProps) {
  const t = useTranslations('scenes.write')
  const [isMore, more] = useDisclosure(wishesMore(wishes))
  const write = useWrite(scene, unit, () => change({ summary: undefined }))
  const hasText = scene.content.trim() !== ''
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (saysWhat(wishes, scene) && !isOutrun(wishes, scene)) write.send(wishes)
      }}
    >
      <Stack>
        <WhatHappens scene={scene} wishes={wishes} onChange={change} />
        <Textarea
          label={t('instructions')}
          description={t('instructionsHint')}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={4_000}
          value={wishes.instructions}
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
          <MoreWishes wishes={wishes} onChange={change} capabilities={capabilities} unit={unit} />
        </Collapse>
        <Cost scene={scene} wishes={wishes} unit={unit} />
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
    </form>
  )
}

/** Keeps what is to happen as the summary of the scene where that is wanted, then submits. */
function useWrite(scene: Scene, unit: Unit, onKept: () => void) {
  const keep = useKeepSummary(scene)
  const submit = useSubmit(scene.id)
  return {
    error: keep.error ?? submit.error,
    isPending: keep.isPending || submit.isPending,
    async send(wishes: Wishes) {
      const budget = budgetOf(wishes)
      const isKept = isToBeKept(wishes) && isOwnSummary(wishes, scene)
      try {
        const written = isKept ? await keep.mutateAsync(wishes) : scene
        if (written === undefined) return
        if (isKept) onKept()
        await submit.mutateAsync({
          taskType: 'GenerateScene',
          parameters: parametersOf(wishes, written, unit),
          ...(budget === undefined ? {} : { budget }),
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
  const keep = async (wishes: Wishes, seen: Scene): Promise<Scene | undefined> => {
    if (isOutrun(wishes, seen)) return undefined
    try {
      return await edit.mutateAsync({ edit: { summary: whatHappens(wishes, seen).trim() }, seen })
    } catch (failure) {
      if (codeOf(failure) !== 'SCENE_CHANGED') throw failure
      const newest = await readScene(scene.id)
      queries.setQueryData(keys.scene(scene.id), newest)
      return keep(wishes, newest)
    }
  }
  return useMutation({ mutationFn: (wishes: Wishes) => keep(wishes, scene) })
}

type WhatHappensProps = Pick<WriteFormProps, 'scene' | 'wishes' | 'onChange'>

function WhatHappens({ scene, wishes, onChange }: WhatHappensProps) {
  const t = useTranslations('scenes.write')
  const { data: novel } = useOutline(scene.novelId)
  const typed = whatHappens(wishes, scene)
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
        onChange={({ currentTarget }) => onChange({ summary: typedOver(wishes, scene, currentTarget.value) })}
      />
      {isOwnSummary(wishes, scene) && (
        <Checkbox
          label={t('keepSummary')}
          checked={isToBeKept(wishes)}
          onChange={({ currentTarget }) => onChange({ keepSummary: currentTarget.checked })}
        />
      )}
      {isOutrun(wishes, scene) && (
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

/** What it will cost with the wishes as they are. */
function Cost({ scene, wishes, unit }: { scene: Scene; wishes: Wishes; unit: Unit }) {
  const t = useTranslations('scenes.write')
  const [still] = useDebouncedValue(wishes, stillMs)
  if (!saysWhat(wishes, scene))
    return (
      <Alert color="gray" variant="light">
        {t('sayWhat')}
      </Alert>
    )
  if (!saysWhat(still, scene)) return null
  return <CostNotice planned={{ taskType: 'GenerateScene', parameters: parametersOf(still, scene, unit) }} />
}
