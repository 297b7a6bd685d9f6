import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { type RefObject, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { useMay } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { PassFocus } from '../browser/pass-focus.tsx'
import { sceneOfDraft } from '../browser/state.ts'
import { useFocusBack } from '../browser/use-focus-back.ts'
import { Provenance } from '../parts/provenance.tsx'
import { Empty } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { Candidates } from './candidates-part.tsx'
import { continueDraft, type Draft, discardDraft, draftOf, isKept, readDrafts } from './draft.ts'
import { Editor } from './editor.tsx'
import { Outcome } from './outcome.tsx'
import { RewriteTools, useSelected } from './rewrite-tools.tsx'
import { useUnsentEdits } from './unsent.ts'
import { UnsentPart } from './unsent-part.tsx'
import { WritingNow } from './writing-now.tsx'

/** The text of a scene: to read, to edit, and while it is written. `writing`: the task that last wrote it. */
export function TextPart({ scene, writing }: { scene: Scene; writing: Task | undefined }) {
  const [editing, setEditing] = useState<Draft>()
  const [drafts, setDrafts] = useState(() => readDrafts(scene))
  const opener = useFocusBack(editing !== undefined)
  const isBeingWritten = writing?.done === false
  // A task that begins while the page is open was begun with a button that has disappeared: the focus goes to the task.
  const [wasBeingWritten] = useState(isBeingWritten)
  const close = (kept?: Draft) => {
    setEditing(undefined)
    const others = drafts.filter(each => each.name !== kept?.name && isKept(each))
    setDrafts(kept === undefined ? others : [kept, ...others])
  }
  const goOn = (draft: Draft) => setEditing(continueDraft(draft, scene))
  const [newest] = drafts
  const edits = useUnsentEdits()
  const canWrite = useMay('write')
  const unsent = edits.findLast(({ name }) => editing === undefined && sceneOfDraft(name) === scene.id)
  return (
    <Stack gap="lg">
      {isBeingWritten && (
        <WritingNow task={writing} replaces={scene.content !== ''} takesFocus={!wasBeingWritten} />
      )}
      {writing !== undefined && !isBeingWritten && <Outcome task={writing} scene={scene} />}
      {editing === undefined && unsent === undefined && <Candidates scene={scene} />}
      {canWrite && editing === undefined && newest !== undefined && (
        <DraftOffer
          drafts={drafts}
          onGoOn={goOn}
          onDrop={dropped => {
            discardDraft(dropped)
            setDrafts(drafts.filter(each => each !== dropped))
          }}
        />
      )}
      {unsent !== undefined && (
        <PassFocus key={`${unsent.name} ${unsent.state}`} next={opener}>
          <UnsentPart
            edit={unsent}
            scene={scene}
            opener={opener}
            onGoOn={setEditing}
            onShelve={kept => setDrafts([kept, ...drafts])}
          />
        </PassFocus>
      )}
      {unsent === undefined && editing === undefined && (
        <Reading
          scene={scene}
          isBeingWritten={isBeingWritten}
          opener={opener}
          onEdit={() => (newest === undefined ? setEditing(draftOf(scene)) : goOn(newest))}
        />
      )}
      {editing !== undefined && (
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
  const canWrite = useMay('write')
  if (scene.content === '')
    return isBeingWritten ? null : (
      <Empty title={t('emptyTitle')} text={canWrite ? t('emptyText') : ''}>
        {canWrite && (
          <Button
            ref={opener}
            variant="default"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={onEdit}
          >
            {t('writeYourself')}
          </Button>
        )}
      </Empty>
    )
  return (
    <Stack gap="sm">
      {isBeingWritten && <Title order={2}>{t('textNow')}</Title>}
      <Group justify="space-between" gap="xs">
        {scene.textOrigin === undefined ? <span /> : <Provenance origin={scene.textOrigin} />}
        {canWrite && (
          <Button
            ref={opener}
            variant="default"
            size="xs"
            leftSection={<IconPencil size={16} aria-hidden />}
            onClick={onEdit}
          >
            {t('edit')}
          </Button>
        )}
      </Group>
      {!isBeingWritten && canWrite && <RewriteTools scene={scene} selected={selected} />}
      <Text component="article" ref={article} className="prose" data-scene-text>
        {scene.content}
      </Text>
    </Stack>
  )
}

interface DraftOfferProps {
  /** The newest first; at least one. */
  drafts: readonly Draft[]
  onGoOn: (draft: Draft) => void
  onDrop: (draft: Draft) => void
}

/** Offers the newest of what was typed and not saved. Older ones, such as those of other tabs, can be looked at. */
function DraftOffer({ drafts, onGoOn, onDrop }: DraftOfferProps) {
  const t = useTranslations('scenes.edit')
  const [newest, ...older] = drafts
  if (newest === undefined) return null
  return (
    <Alert color="ink" icon={<IconPencil aria-hidden />} title={t('draftTitle')} data-draft>
      <Stack gap="sm">
        <Text size="sm">
          {t('draftText')} <Ago at={new Date(newest.at).toISOString()} />
        </Text>
        <Group gap="xs">
          <Button size="xs" onClick={() => onGoOn(newest)}>
            {t('goOn')}
          </Button>
          <Button size="xs" variant="subtle" onClick={() => onDrop(newest)}>
            {t('dropDraft')}
          </Button>
        </Group>
        {older.map(draft => (
          <details key={draft.name} data-older-draft>
            <summary>
              {t('olderDraft')} <Ago at={new Date(draft.at).toISOString()} />
            </summary>
            <Stack gap="xs" pt="xs">
              <Text size="sm" className="prose" mah="20rem" style={{ overflowY: 'auto' }}>
                {draft.content}
              </Text>
              <Group gap="xs">
                <Button size="xs" variant="default" onClick={() => onGoOn(draft)}>
                  {t('goOnOlder')}
                </Button>
                <Button size="xs" variant="subtle" onClick={() => onDrop(draft)}>
                  {t('dropOlder')}
                </Button>
              </Group>
            </Stack>
          </details>
        ))}
      </Stack>
    </Alert>
  )
}
