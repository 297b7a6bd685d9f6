import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCloudUpload } from '@tabler/icons-react'
import type { RefObject } from 'react'
import { useTranslations } from 'use-intl'
import { Ago } from '../parts/time.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { BothVersions } from './both-versions.tsx'
import { type Draft, isSavedIn, writtenOver } from './draft.ts'
import { continueUnsent, markUnsent, removeUnsent, shelveUnsent, type UnsentEdit } from './unsent.ts'
import { useDiscardUnsent } from './unsent-edits.tsx'

interface UnsentPartProps {
  edit: UnsentEdit
  scene: Scene
  /** The button that opens the editor. */
  opener: RefObject<HTMLButtonElement | null>
  /** Opens the editor. */
  onGoOn: (draft: Draft) => void
  /** The text of somebody else stays. `kept`: that of the person, which they may come back to. */
  onShelve: (kept: Draft) => void
}

/** What a person saved and the novel does not say yet, in place of the text of the scene. */
export function UnsentPart({ edit, scene, opener, onGoOn, onShelve }: UnsentPartProps) {
  const goOn = () => onGoOn(continueUnsent(edit))
  if (edit.state !== 'outrun') return <Waiting edit={edit} scene={scene} opener={opener} onGoOn={goOn} />
  return (
    <BothVersions
      mine={edit}
      theirs={scene}
      isBusy={false}
      onKeepMine={() => {
        // The novel may say it by now: nothing is left to write.
        if (isSavedIn(edit, scene)) removeUnsent(edit.name)
        else markUnsent(edit, { ...writtenOver(edit, scene), state: 'queued' })
      }}
      onTakeTheirs={() => onShelve(shelveUnsent(edit))}
      onBack={goOn}
    />
  )
}

function Waiting({
  edit,
  scene,
  opener,
  onGoOn,
}: Pick<UnsentPartProps, 'edit' | 'scene' | 'opener'> & { onGoOn: () => void }) {
  const t = useTranslations('scenes.unsent')
  const discard = useDiscardUnsent()
  const { state, reason = '', title, content, at } = edit
  const isRefused = state === 'refused'
  return (
    <Stack gap="sm" data-unsent-edit={state}>
      <Alert
        color={isRefused ? 'red' : 'ink'}
        icon={isRefused ? <IconAlertTriangle aria-hidden /> : <IconCloudUpload aria-hidden />}
        title={t(isRefused ? 'refusedTitle' : 'queuedTitle')}
      >
        <Stack gap="sm">
          <Text size="sm">
            {isRefused ? t('refusedText', { reason }) : t('queuedText')} {t('savedAt')}{' '}
            <Ago at={new Date(at).toISOString()} />
          </Text>
          <Group gap="xs">
            <Button ref={opener} size="xs" onClick={onGoOn}>
              {t('goOn')}
            </Button>
            <Button size="xs" variant="subtle" onClick={() => discard(edit)}>
              {t('discard')}
            </Button>
          </Group>
        </Stack>
      </Alert>
      {title !== (scene.title ?? '') && <Text fw={600}>{title}</Text>}
      <Text component="article" className="prose">
        {content}
      </Text>
    </Stack>
  )
}
