import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconCloudUpload } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { PassFocus } from '../browser/pass-focus.tsx'
import { sceneOfDraft } from '../browser/state.ts'
import { CopyThis } from '../parts/export-text.tsx'
import { TextLink } from '../parts/links.tsx'
import { notifyUndoable } from '../parts/notify.tsx'
import { useSendUnsent } from './send-unsent.ts'
import { keepUnsent, markUnsent, removeUnsent, type UnsentEdit, useUnsentEdits } from './unsent.ts'

/** What was saved and is not in the novel yet: how much, of which scenes, and why. Sends it while it is shown, which is on every page. */
export function UnsentEdits() {
  const t = useTranslations('unsent')
  const edits = useUnsentEdits()
  const failure = useSendUnsent()
  if (edits.length === 0) return null
  return (
    <Alert
      color="yellow"
      mb="md"
      icon={<IconCloudUpload aria-hidden />}
      title={<span role="status">{t('title', { count: edits.length })}</span>}
      role="group"
      data-unsent={edits.length}
    >
      <Stack gap="xs" mah="50vh" style={{ overflowY: 'auto' }}>
        <Stack gap="xs" role="status">
          <Text size="sm">{t(edits.some(({ state }) => state === 'queued') ? 'text' : 'decide')}</Text>
          {failure !== undefined && <Text size="sm">{t('failed', { reason: failure })}</Text>}
        </Stack>
        {edits.map(edit => (
          <PassFocus key={`${edit.name} ${edit.state}`}>
            <UnsentRow edit={edit} />
          </PassFocus>
        ))}
      </Stack>
    </Alert>
  )
}

/** Of a scene without a title, this much of its text names it. */
const mostOfText = 40

/** One edit. The text of one that is not sent as it is, is at hand here: its scene may be gone. */
function UnsentRow({ edit }: { edit: UnsentEdit }) {
  const t = useTranslations('unsent')
  const actions = useTranslations('actions')
  const discard = useDiscardUnsent()
  const { title, content, novelId, state, reason = '' } = edit
  const name = title || content.trim().slice(0, mostOfText) || t('noTitle')
  const label = (action: string) => actions('named', { action, name })
  return (
    <Group gap="xs">
      <TextLink
        to="/novels/$novelId/scenes/$sceneId"
        params={{ novelId, sceneId: sceneOfDraft(edit.name) }}
        size="sm"
        fw={600}
      >
        {name}
      </TextLink>
      <Text size="sm">{t(state, { reason })}</Text>
      {state !== 'queued' && <CopyThis text={content} name={name} />}
      {state === 'refused' && (
        <Button
          size="xs"
          variant="default"
          aria-label={label(t('again'))}
          onClick={() => markUnsent(edit, { state: 'queued' })}
        >
          {t('again')}
        </Button>
      )}
      {state !== 'queued' && (
        <Button size="xs" variant="subtle" aria-label={label(t('discard'))} onClick={() => discard(edit)}>
          {t('discard')}
        </Button>
      )}
    </Group>
  )
}

/** Returns what discards an edit, with a way back. */
export function useDiscardUnsent(): (edit: UnsentEdit) => void {
  const t = useTranslations('unsent')
  return edit => {
    removeUnsent(edit.name)
    notifyUndoable(t('discarded'), { label: t('undo'), onUndo: () => keepUnsent(edit) })
  }
}
