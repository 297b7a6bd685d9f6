import { Alert, Code, Group, Stack, Text } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Off } from '../api/capabilities.ts'
import { ButtonLink } from '../parts/links.tsx'
import { modelCommands } from '../parts/model-commands.ts'
import { ModelProblemText } from '../parts/model-problem.tsx'
import type { Scene } from '../queries/scene-queries.ts'

/** In place of the button that has a scene written: why there is none, and what to do. */
export function NoModel({ off, scene }: { off: Off; scene: Scene }) {
  const t = useTranslations('scenes.noModel')
  const { novelId, id: sceneId } = scene
  return (
    <Alert
      color="gray"
      variant="light"
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
