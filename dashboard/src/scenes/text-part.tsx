import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { type RefObject, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { Provenance } from '../parts/provenance.tsx'
import { Empty } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { Candidates } from './candidates-part.tsx'
import { type Draft, discardDraft, draftOf, readDraft } from './draft.ts'
import { Editor } from './editor.tsx'
import { Outcome } from './outcome.tsx'
import { RewriteTools, useSelected } from './rewrite-tools.tsx'
import { WritingNow } from './writing-now.tsx'

/** The text of a scene: to read, to edit, and while it is written. `writing`: the task that last wrote it. */
export function TextPart({ scene, writing }: { scene: Scene; writing: Task | undefined }) {
  const [editing, setEditing] = useState<Draft>()
  const [draft, setDraft] = useState(() => readDraft(scene))
  const opener = useFocusBack(editing !== undefined)
  const isBeingWritten = writing?.done === false
  // A task that begins while the page is open was begun with a button that has disappeared: the focus goes to the task.
  const [wasBeingWritten] = useState(isBeingWritten)
  const close = (kept?: Draft) => {
    setEditing(undefined)
    setDraft(kept)
  }
  return (
    <Stack gap="lg">
      {isBeingWritten && (
        <WritingNow task={writing} replaces={scene.content !== ''} takesFocus={!wasBeingWritten} />
      )}
      {writing !== undefined && !isBeingWritten && <Outcome task={writing} scene={scene} />}
      {editing === undefined && <Candidates scene={scene} />}
      {editing === undefined && draft !== undefined && (
        <DraftOffer
          draft={draft}
          onGoOn={() => setEditing(draft)}
          onDrop={() => {
            discardDraft(scene.id, draft.at)
            setDraft(undefined)
          }}
        />
      )}
      {editing === undefined ? (
        <Reading
          scene={scene}
          isBeingWritten={isBeingWritten}
          opener={opener}
          onEdit={() => setEditing(draft ?? draftOf(scene))}
        />
      ) : (
        <Editor scene={scene} first={editing} isBeingWritten={isBeingWritten} onClose={close} />
      )}
    </Stack>
  )
}

interface ReadingProps {
  scene: Scene
  isBeingWritten: boolean
  /** The button that opens the editor. */
  opener: RefObject<HTMLButtonElement | null>
  onEdit: () => void
}

function Reading({ scene, isBeingWritten, opener, onEdit }: ReadingProps) {
  const t = useTranslations('scenes.text')
  const article = useRef<HTMLParagraphElement>(null)
  const selected = useSelected(article)
  if (scene.content === '')
    return isBeingWritten ? null : (
      <Empty title={t('emptyTitle')} text={t('emptyText')}>
        <Button
          ref={opener}
          variant="default"
          leftSection={<IconPencil size={16} aria-hidden />}
          onClick={onEdit}
        >
          {t('writeYourself')}
        </Button>
      </Empty>
    )
  return (
    <Stack gap="sm">
      {isBeingWritten && <Title order={2}>{t('textNow')}</Title>}
      <Group justify="space-between" gap="xs">
        {scene.textOrigin === undefined ? <span /> : <Provenance origin={scene.textOrigin} />}
        <Button
          ref={opener}
          variant="default"
          size="xs"
          leftSection={<IconPencil size={16} aria-hidden />}
          onClick={onEdit}
        >
          {t('edit')}
        </Button>
      </Group>
      {!isBeingWritten && <RewriteTools scene={scene} selected={selected} />}
      <Text component="article" ref={article} className="prose" data-scene-text>
        {scene.content}
      </Text>
    </Stack>
  )
}

interface DraftOfferProps {
  draft: Draft
  onGoOn: () => void
  onDrop: () => void
}

function DraftOffer({ draft, onGoOn, onDrop }: DraftOfferProps) {
  const t = useTranslations('scenes.edit')
  return (
    <Alert color="ink" icon={<IconPencil aria-hidden />} title={t('draftTitle')} data-draft>
      <Stack gap="sm">
        <Text size="sm">
          {t('draftText')} <Ago at={new Date(draft.at).toISOString()} />
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={onGoOn}>
            {t('goOn')}
          </Button>
          <Button size="xs" variant="subtle" onClick={onDrop}>
            {t('dropDraft')}
          </Button>
        </Group>
      </Stack>
    </Alert>
  )
}
