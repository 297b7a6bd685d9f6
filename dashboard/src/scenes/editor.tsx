import { Alert, Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconCut, IconFeather } from '@tabler/icons-react'
import { type ReactNode, useDeferredValue, useState } from 'react'
import { useTranslations } from 'use-intl'
import { measure } from '../../../src/novel/words.ts'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import type { Selected } from '../parts/instructions.ts'
import { notifyDone } from '../parts/notify.tsx'
import { splitScene, useShape } from '../parts/shaping.ts'
import { ErrorNotice } from '../parts/states.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { BothVersions } from './both-versions.tsx'
import { type Draft, isOutrun, type Typed, withSent } from './draft.ts'
import { RewriteTools } from './rewrite-tools.tsx'
import { isRefusal } from './save-draft.ts'
import { useSaveDraft } from './scene-writes.ts'
import styles from './scenes.module.css'
import { queueEdit, removeUnsent } from './unsent.ts'
import { useDraft } from './use-draft.ts'

/** What the API takes of a text and of a title, in UTF-16 code units. A text that a task wrote may be longer, and stay as long. */
const most = { content: 50_000, title: 300 } as const

/** What an editor is given. */
interface EditorProps {
  scene: Scene
  first: Draft
  /** A task is writing the scene at this moment. */
  isBeingWritten: boolean
  /** `kept`: what was typed and is neither saved nor thrown away. */
  onClose: (kept?: Draft) => void
}

/** A scene to type in. What is typed is kept in the browser until it is saved or thrown away. */
export function Editor({ scene, first, isBeingWritten, onClose }: EditorProps) {
  const t = useTranslations('scenes.edit')
  const typing = useDraft(first, scene)
  const { draft, isChanged, isToSave, isFull, type, rebase, handOver, writeOver, keep, drop, isStored } =
    typing
  const end = (isMore: boolean, done: 'saved' | 'queued') => {
    notifyDone(t(isMore ? `${done}ButMore` : done))
    if (!isMore) onClose()
  }
  const save = useSaveDraft({
    onSaved(sent, saved) {
      if (sent.replaces !== undefined) removeUnsent(sent.replaces)
      end(rebase(sent, saved), 'saved')
    },
    onUnreachable(sent) {
      const edit = queueEdit(sent, scene.novelId)
      const isMore = handOver(withSent(sent), edit?.name)
      if (edit !== undefined) end(isMore, 'queued')
      return edit !== undefined
    },
  })
  const { theirs } = save
  const kept = {
    title: t('leaveTitle'),
    action: t('leave'),
    children: <Text size="sm">{t('leaveText')}</Text>,
  }
  const question = useUnsaved(isChanged, () => (isStored() ? kept : undefined))
  return (
    <>
      {/* Not within the form: what is submitted in a dialog is submitted in all that is around it. */}
      {question}
      {theirs !== undefined ? (
        <BothVersions
          mine={draft}
          theirs={theirs}
          isBusy={save.isPending}
          onKeepMine={() => save.send(writeOver(theirs))}
          onTakeTheirs={() => {
            if (draft.replaces !== undefined) removeUnsent(draft.replaces)
            onClose(keep())
          }}
          onBack={save.back}
        />
      ) : (
        <EditForm
          scene={scene}
          draft={draft}
          mostContent={Math.max(most.content, scene.content.length)}
          isChanged={isChanged}
          isToSave={isToSave}
          save={save}
          onType={type}
          onDrop={() => {
            drop()
            onClose()
          }}
        >
          <Notices isBeingWritten={isBeingWritten} isOutrun={isOutrun(draft, scene)} isFull={isFull} />
        </EditForm>
      )}
    </>
  )
}

interface EditFormProps {
  scene: Scene
  draft: Draft
  mostContent: number
  /** Something typed would be lost. */
  isChanged: boolean
  isToSave: boolean
  save: ReturnType<typeof useSaveDraft>
  onType: (part: Partial<Typed>) => void
  onDrop: () => void
  children: ReactNode
}

function EditForm(props: EditFormProps) {
  const { scene, draft, mostContent, isChanged, isToSave, save, onType, onDrop, children } = props
  const t = useTranslations('scenes.edit')
  const [selected, setSelected] = useState<Selected>()
  const [caret, setCaret] = useState(0)
  const send = () => (isToSave ? save.send(draft) : undefined)
  return (
    <Stack>
      {/* Not within the form: its dialog submits itself alone. */}
      {scene.content !== '' && (
        <RewriteTools
          scene={scene}
          selected={selected}
          isUnsaved={isChanged || draft.content !== scene.content}
          onSent={onDrop}
        />
      )}
      <Form data-editor onSubmit={() => send()}>
        <Stack>
          {children}
          <Fields
            draft={draft}
            mostContent={mostContent}
            onType={onType}
            onSave={send}
            onSelect={(chosen, at) => {
              setSelected(chosen)
              setCaret(at)
            }}
          />
          {save.error !== null && <ErrorNotice error={save.error} />}
          {save.error !== null && !isRefusal(save.error) && (
            <Text c="red" size="sm">
              {t('notQueued')}
            </Text>
          )}
          <Group justify="space-between" className={styles['saving'] ?? ''}>
            <Count content={draft.content} />
            <Group gap="xs">
              <SplitHere scene={scene} draft={draft} at={caret} onSplit={onDrop} />
              <Button variant="default" onClick={onDrop} disabled={save.isPending}>
                {isChanged ? t('drop') : t('close')}
              </Button>
              <Button type="submit" loading={save.isPending} disabled={!isToSave}>
                {t('save')}
              </Button>
            </Group>
          </Group>
        </Stack>
      </Form>
    </Stack>
  )
}

interface SplitHereProps {
  scene: Scene
  draft: Typed
  /** Where the cursor is in the text. */
  at: number
  onSplit: () => void
}

/** Has the text from the cursor on become a scene of its own, where what is typed is saved. */
function SplitHere({ scene, draft, at, onSplit }: SplitHereProps) {
  const t = useTranslations('scenes.edit')
  const shape = useShape(scene.novelId)
  const isSaved = draft.content === scene.content && draft.title === (scene.title ?? '')
  const isWithin = draft.content.slice(0, at).trim() !== '' && draft.content.slice(at).trim() !== ''
  const why = isSaved ? t('splitWhere') : t('splitSaved')
  return (
    <Button
      variant="default"
      leftSection={<IconCut size={16} aria-hidden />}
      loading={shape.isPending}
      disabled={!isSaved || !isWithin}
      title={isSaved && isWithin ? undefined : why}
      onClick={() => shape.mutate(() => splitScene(scene, at), { onSuccess: onSplit })}
    >
      {t('split')}
    </Button>
  )
}

interface NoticesProps {
  isBeingWritten: boolean
  isOutrun: boolean
  isFull: boolean
}

function Notices({ isBeingWritten, isOutrun: isOld, isFull }: NoticesProps) {
  const t = useTranslations('scenes.edit')
  return (
    <>
      {isBeingWritten && (
        <Alert color="ink" icon={<IconFeather aria-hidden />} role="status" data-edit-wins>
          {t('editWins')}
        </Alert>
      )}
      {isOld && (
        <Alert color="yellow" role="status">
          {t('outrun')}
        </Alert>
      )}
      {isFull && (
        <Alert color="red" role="alert">
          {t('notStored')}
        </Alert>
      )}
    </>
  )
}

interface FieldsProps {
  draft: Draft
  mostContent: number
  onType: (part: Partial<Typed>) => void
  onSave: () => void
  /** `at`: where the cursor is. */
  onSelect: (selected: Selected | undefined, at: number) => void
}

function Fields({ draft, mostContent, onType, onSave, onSelect }: FieldsProps) {
  const t = useTranslations('scenes.edit')
  const isTooLong = draft.content.length > mostContent
  return (
    <>
      <TextInput
        label={t('title')}
        placeholder={t('noTitle')}
        value={draft.title}
        maxLength={most.title}
        onChange={({ currentTarget }) => onType({ title: currentTarget.value })}
      />
      <Textarea
        label={t('text')}
        description={t('textHint')}
        autosize
        minRows={12}
        value={draft.content}
        error={isTooLong ? t('tooLong', { most: mostContent }) : undefined}
        onChange={({ currentTarget }) => onType({ content: currentTarget.value })}
        onSelect={({ currentTarget: { value, selectionStart: start, selectionEnd } }) => {
          const text = value.slice(start, selectionEnd)
          onSelect(text.trim() === '' ? undefined : { start, text }, start)
        }}
        onKeyDown={event => {
          if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return
          event.preventDefault()
          onSave()
        }}
        classNames={{ input: styles['editor'] ?? '' }}
        spellCheck
        autoFocus
      />
    </>
  )
}

/** Words as the server counts them. Counting waits for typing, never the other way round. */
function Count({ content }: { content: string }) {
  const t = useTranslations('scenes.edit')
  const still = useDeferredValue(content)
  const { words, characters } = measure(still)
  return (
    <Text size="sm" c="dimmed" className="numbers" data-words={words}>
      {t('count', { words, characters })}
    </Text>
  )
}
