import { Alert, Button, Checkbox, Collapse, Stack, Text, Textarea } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { IconChevronDown, IconFeather } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import type { Scene } from '../queries/scene-queries.ts'
import { useEdit, useSubmit } from './use-write.ts'
import { MoreWishes } from './wish-fields.tsx'
import { budgetOf, firstWishes, parametersOf, saysWhat, type Unit, type Wishes } from './wishes.ts'

/** Milliseconds without typing before the costs are asked for. */
const stillMs = 400

/** What a form of wishes is given. */
export interface WriteFormProps {
  scene: Scene
  capabilities: Capabilities
  unit: Unit
}

/** What is wanted of a scene, what it will cost, and the button that has it written. */
export function WriteForm({ scene, capabilities, unit }: WriteFormProps) {
  const t = useTranslations('scenes.write')
  const [wishes, setWishes] = useState(() => firstWishes(scene))
  const [isMore, more] = useDisclosure()
  const change = (part: Partial<Wishes>) => setWishes(now => ({ ...now, ...part }))
  const write = useWrite(scene, unit)
  const hasText = scene.content.trim() !== ''
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (saysWhat(wishes)) write.send(wishes)
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
function useWrite(scene: Scene, unit: Unit) {
  const edit = useEdit(scene.id)
  const submit = useSubmit(scene.id)
  return {
    error: edit.error ?? submit.error,
    isPending: edit.isPending || submit.isPending,
    async send(wishes: Wishes) {
      const summary = wishes.summary.trim()
      const isNew = summary !== '' && summary !== scene.summary?.text.trim()
      const budget = budgetOf(wishes)
      try {
        const kept =
          wishes.keepSummary && isNew ? await edit.mutateAsync({ edit: { summary }, seen: scene }) : scene
        await submit.mutateAsync({
          taskType: 'GenerateScene',
          parameters: parametersOf(wishes, kept, unit),
          ...(budget === undefined ? {} : { budget }),
        })
      } catch {
        // Shown above the button.
      }
    },
  }
}

interface WhatHappensProps {
  scene: Scene
  wishes: Wishes
  onChange: (part: Partial<Wishes>) => void
}

function WhatHappens({ scene, wishes, onChange }: WhatHappensProps) {
  const t = useTranslations('scenes.write')
  const isChanged = wishes.summary.trim() !== (scene.summary?.text.trim() ?? '')
  return (
    <Stack gap="xs">
      <Textarea
        label={t('summary')}
        description={scene.summary?.method === 'extractive' ? t('summaryIsQuoted') : t('summaryHint')}
        autosize
        minRows={3}
        maxRows={14}
        maxLength={10_000}
        value={wishes.summary}
        onChange={({ currentTarget }) => onChange({ summary: currentTarget.value })}
      />
      {isChanged && wishes.summary.trim() !== '' && (
        <Checkbox
          label={t('keepSummary')}
          checked={wishes.keepSummary}
          onChange={({ currentTarget }) => onChange({ keepSummary: currentTarget.checked })}
        />
      )}
    </Stack>
  )
}

/** What it will cost with the wishes as they are. */
function Cost({ scene, wishes, unit }: { scene: Scene; wishes: Wishes; unit: Unit }) {
  const t = useTranslations('scenes.write')
  const [still] = useDebouncedValue(wishes, stillMs)
  if (!saysWhat(wishes))
    return (
      <Alert color="gray" variant="light">
        {t('sayWhat')}
      </Alert>
    )
  if (!saysWhat(still)) return null
  return <CostNotice planned={{ taskType: 'GenerateScene', parameters: parametersOf(still, scene, unit) }} />
}
