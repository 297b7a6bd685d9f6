import { Button, Stack, Text } from '@mantine/core'
import { useDebouncedValue, useDisclosure } from '@mantine/hooks'
import { IconEye } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { type Instructions, previewOf, type Unit } from '../parts/instructions.ts'
import { type Choose, ExpectedUse, NotCounted, PromptBlocks, PromptProblem } from '../parts/prompt-blocks.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { useEditNewest } from './scene-writes.ts'

/** Milliseconds without typing before the prompt is asked for. */
const stillMs = 400

interface Props {
  scene: Scene
  wanted: Instructions
  unit: Unit
}

/** What the model will see, with the present instructions: on request, before anything is paid. */
export function PromptPreview(props: Props) {
  const t = useTranslations('scenes.prompt')
  const [isOpen, { toggle }] = useDisclosure(false)
  return (
    <Stack gap="xs" data-preview>
      <Button
        variant="default"
        size="xs"
        w="fit-content"
        leftSection={<IconEye size={16} aria-hidden />}
        onClick={toggle}
        aria-expanded={isOpen}
      >
        {t('title')}
      </Button>
      {isOpen && <Shown {...props} />}
    </Stack>
  )
}

function Shown({ scene, wanted, unit }: Props) {
  const [still] = useDebouncedValue(wanted, stillMs)
  const { id: sceneId, version } = scene
  const body = previewOf(still, scene, unit)
  const { data, error, refetch } = useQuery({
    queryKey: keys.preview(sceneId, { version, ...body }),
    queryFn: ({ signal }) =>
      dataOf(api.POST('/v1/scenes/{sceneId}:preview', { params: { path: { sceneId } }, body, signal })),
    staleTime: 5_000,
    placeholderData: before => before,
  })
  const edit = useEditNewest(scene)
  const choose: Choose = (entryId, choice) =>
    edit.mutate(({ codex: { pinned = [], barred = [] } = {} }) => {
      const without = (ids: readonly string[]) => ids.filter(id => id !== entryId)
      const codex = { pinned: without(pinned), barred: without(barred) }
      if (choice !== undefined) codex[choice].push(entryId)
      return { codex }
    })
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={5} />
  return (
    <Stack gap="xs">
      {data.problem !== undefined && <PromptProblem problem={data.problem} />}
      {edit.error !== null && <ErrorNotice error={edit.error} />}
      <ExpectedUse preview={data} />
      <ByWords preview={data} />
      <NotCounted preview={data} />
      <PromptBlocks blocks={data.blocks} choose={choose} />
    </Stack>
  )
}

/** Says why passages were chosen by words alone. */
function ByWords({ preview: { passageSearch } }: { preview: components['schemas']['ScenePreview'] }) {
  const t = useTranslations('scenes.prompt')
  if (passageSearch?.degraded === undefined) return null
  const { reason } = passageSearch.degraded
  return (
    <Text size="sm" data-by-words={reason}>
      {t(`byWords.${reason}`)}
    </Text>
  )
}
