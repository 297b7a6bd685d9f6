import {
  Alert,
  Box,
  Button,
  Group,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
  Title,
} from '@mantine/core'
import { IconArrowsSplit, IconCut, IconFeather } from '@tabler/icons-react'
import { type ReactNode, useDeferredValue, useState } from 'react'
import { useTranslations } from 'use-intl'
import { measure } from '../../../src/novel/words.ts'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import type { Selected } from '../parts/instructions.ts'
import { notifyDone } from '../parts/notify.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { splitScene, useShape } from '../parts/shaping.ts'
import { ErrorNotice } from '../parts/states.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { type Draft, type Typed, useDraft } from './draft.ts'
import { CopyThis } from './outcome.tsx'
import { RewriteTools } from './rewrite-tools.tsx'
import { useSaveDraft } from './scene-writes.ts'
import styles from './scenes.module.css'

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
  const { draft, isChanged, type, rebase, drop, isStored } = useDraft(first)
  const save = useSaveDraft(scene.id, (sent, saved) => {
    const isMore = rebase(sent, saved)
    notifyDone(t(isMore ? 'savedButMore' : 'saved'))
    if (!isMore) onClose()
  })
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
      {save.theirs !== undefined ? (
        <BothVersions
          mine={draft}
          theirs={save.theirs}
          isBusy={save.isPending}
          onKeepMine={() => save.keepMine(draft)}
          onTakeTheirs={() => onClose(draft)}
          onBack={save.back}
        />
      ) : (
        <EditForm
          scene={scene}
          draft={draft}
          mostContent={Math.max(most.content, scene.content.length)}
          isChanged={isChanged}
          save={save}
          onType={type}
          onDrop={() => {
            drop()
            onClose()
          }}
        >
          <Notices isBeingWritten={isBeingWritten} isOutrun={isOutrun(draft, scene)} />
        </EditForm>
      )}
    </>
  )
}

interface EditFormProps {
  scene: Scene
  draft: Draft
  mostContent: number
  isChanged: boolean
  save: ReturnType<typeof useSaveDraft>
  onType: (part: Partial<Typed>) => void
  onDrop: () => void
  children: ReactNode
}

function EditForm(props: EditFormProps) {
  const { scene, draft, mostContent, isChanged, save, onType, onDrop, children } = props
  const t = useTranslations('scenes.edit')
  const [selected, setSelected] = useState<Selected>()
  const [caret, setCaret] = useState(0)
  const send = () => (isChanged ? save.send(draft) : undefined)
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
          <Group justify="space-between" className={styles['saving'] ?? ''}>
            <Count content={draft.content} />
            <Group gap="xs">
              <SplitHere scene={scene} draft={draft} at={caret} onSplit={onDrop} />
              <Button variant="default" onClick={onDrop} disabled={save.isPending}>
                {isChanged ? t('drop') : t('close')}
              </Button>
              <Button type="submit" loading={save.isPending} disabled={!isChanged}>
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

/** Somebody else changed the text or the title since the person began. */
function isOutrun({ base }: Draft, { content, title = '' }: Scene): boolean {
  return content !== base.content || title !== base.title
}

function Notices({ isBeingWritten, isOutrun: isOld }: { isBeingWritten: boolean; isOutrun: boolean }) {
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

/** What the choice between two versions is given. */
interface BothVersionsProps {
  mine: Typed
  theirs: Scene
  isBusy: boolean
  onKeepMine: () => void
  onTakeTheirs: () => void
  onBack: () => void
}

/** The scene was changed while somebody edited it: both versions, and the choice. Whatever is chosen, the other one is not lost. */
function BothVersions(props: BothVersionsProps) {
  const { mine, theirs, isBusy, onKeepMine, onTakeTheirs, onBack } = props
  const t = useTranslations('scenes.both')
  return (
    <Stack data-both-versions>
      <Alert color="yellow" icon={<IconArrowsSplit aria-hidden />} title={t('title')} role="alert">
        {t('text')}
      </Alert>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Version title={t('mine')} text={mine} hint={t('mineHint')} which="mine">
          <Button size="xs" onClick={onKeepMine} loading={isBusy}>
            {t('keepMine')}
          </Button>
          <CopyThis text={mine.content} />
        </Version>
        <Version
          title={t('theirs')}
          text={{ title: theirs.title ?? '', content: theirs.content }}
          hint={theirs.textOrigin === undefined ? '' : <Provenance origin={theirs.textOrigin} />}
          which="theirs"
        >
          <Button size="xs" variant="default" onClick={onTakeTheirs} disabled={isBusy}>
            {t('takeTheirs')}
          </Button>
          <CopyThis text={theirs.content} />
        </Version>
      </SimpleGrid>
      <Group>
        <Button variant="subtle" onClick={onBack}>
          {t('back')}
        </Button>
      </Group>
    </Stack>
  )
}

interface VersionProps {
  title: string
  text: Typed
  hint: React.ReactNode
  which: 'mine' | 'theirs'
  children: React.ReactNode
}

function Version({ title, text, hint, which, children }: VersionProps) {
  return (
    <Paper withBorder p="md" data-version={which}>
      <Stack gap="sm">
        <Title order={3}>{title}</Title>
        <Text component="div" size="xs" c="dimmed">
          {hint}
        </Text>
        <Group gap="xs">{children}</Group>
        {text.title !== '' && <Text fw={600}>{text.title}</Text>}
        <Box component="section" className={styles['side'] ?? ''} tabIndex={0} aria-label={title}>
          <Text component="div" className="prose" inherit>
            {text.content}
          </Text>
        </Box>
      </Stack>
    </Paper>
  )
}
