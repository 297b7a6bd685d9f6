import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError, api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ifMatch, readScene, type Scene, useReadSceneAgain } from '../queries/novel-queries.ts'
import { Conflict } from './conflict.tsx'
import { useUnsaved } from './dialog.tsx'
import { Form } from './form.tsx'
import { Provenance } from './provenance.tsx'
import { ErrorNotice } from './states.tsx'

/** Most characters of a summary. */
const longest = 20_000

/** What of a scene its summary is edited with. */
type Summarised = Pick<Scene, 'id' | 'novelId' | 'version' | 'summary'>

interface SummaryEditorProps {
  scene: Summarised
  language: string | undefined
  /** A task makes a summary of the scene at this moment. */
  isBeingMade: boolean
  onClose: () => void
}

/** Lets a person write the summary of a scene, where it stands. What somebody changed meanwhile is shown beside, and never overwritten unseen. */
export function SummaryEditor({ scene, language, isBeingMade, onClose }: SummaryEditorProps) {
  const t = useTranslations('parts.summary')
  const [seen, setSeen] = useState<Summarised>(scene)
  const before = seen.summary?.text ?? ''
  const [text, setText] = useState(before)
  // What a save that ends compares with: more may have been typed since it began.
  const newest = useRef(text)
  const type = (typed: string) => {
    newest.current = typed
    setText(typed)
  }
  const { save, error, isPending, there, readAgain } = useSaveSummary(seen, (sent, saved) =>
    newest.current === sent ? onClose() : setSeen(saved),
  )
  const isChanged = text !== before
  // Saved as it is, a summary of an older text becomes one of the text that is there.
  const canSave = isChanged || seen.summary?.outOfDate === true
  const question = useUnsaved(isChanged)
  return (
    <Stack gap="sm">
      {there !== undefined ? (
        <SummaryConflict
          mine={text}
          there={there}
          language={language}
          isBusy={isPending}
          onKeepMine={() => save({ text, version: there.version })}
          onTakeTheirs={() => void readAgain().then(onClose)}
        />
      ) : (
        <SummaryForm
          text={text}
          label={t('title')}
          description={t('emptyRemoves')}
          longest={longest}
          isChanged={isChanged}
          canSave={canSave}
          isPending={isPending}
          language={language}
          onType={type}
          onSave={() => (canSave && !isPending ? save({ text, version: seen.version }) : undefined)}
          onClose={onClose}
        />
      )}
      {isBeingMade && <Text size="sm">{t('yourEditWins')}</Text>}
      {error !== undefined && <ErrorNotice error={error} />}
      {/* Not within the form: what is submitted in a dialog is submitted in all that is around it. */}
      {question}
    </Stack>
  )
}

interface SummaryFormProps {
  text: string
  /** The accessible name of the field. */
  label: string
  /** What leaving it empty does. */
  description: string
  /** Most characters. */
  longest: number
  isChanged: boolean
  canSave: boolean
  isPending: boolean
  language: string | undefined
  onType: (typed: string) => void
  onSave: () => void
  onClose: () => void
}

/** The field of a summary, with what saves it. */
export function SummaryForm(props: SummaryFormProps) {
  const { text, label, description, longest: most, language } = props
  const { isChanged, canSave, isPending, onType, onSave, onClose } = props
  const actions = useTranslations('actions')
  return (
    <Form onSubmit={onSave}>
      <Stack gap="sm">
        <Textarea
          aria-label={label}
          description={description}
          value={text}
          onChange={({ currentTarget }) => onType(currentTarget.value)}
          onKeyDown={event => {
            if (event.nativeEvent.isComposing) return
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSave()
            if (event.key === 'Escape' && !isChanged) onClose()
          }}
          autosize
          minRows={4}
          maxRows={16}
          maxLength={most}
          lang={language}
          autoFocus
        />
        <Group gap="xs">
          <Button type="submit" size="xs" loading={isPending} disabled={!canSave}>
            {actions('save')}
          </Button>
          <Button variant="default" size="xs" onClick={onClose}>
            {actions('cancel')}
          </Button>
        </Group>
      </Stack>
    </Form>
  )
}

interface Saving {
  text: string
  /** The version of the scene that the person saw. */
  version: number
}

/** Saves a summary if the scene is what the person saw; else `there` is the scene as it is now. */
function useSaveSummary(scene: Summarised, onSaved: (sent: string, saved: Scene) => void) {
  const queries = useQueryClient()
  const readAgain = useReadSceneAgain(scene)
  const [there, setThere] = useState<Scene>()
  const { id: sceneId } = scene
  const { mutate, error, isPending } = useMutation({
    mutationFn: ({ text, version }: Saving) => {
      const params = { path: { sceneId }, header: ifMatch({ version }) }
      return dataOf(api.PATCH('/v1/scenes/{sceneId}', { params, body: { summary: text.trim() } }))
    },
    async onError(failure) {
      if (failure instanceof ApiError && failure.status === 412) setThere(await readScene(sceneId))
    },
    async onSuccess(saved, { text }) {
      queries.setQueryData(keys.scene(sceneId), saved)
      await readAgain()
      onSaved(text, saved)
    },
  })
  // Where both versions are shown, the conflict needs no error notice.
  const isShown = there !== undefined && error instanceof ApiError && error.status === 412
  return { save: mutate, error: isShown ? undefined : (error ?? undefined), isPending, there, readAgain }
}

interface SummaryConflictProps {
  mine: string
  /** The scene as it is now. */
  there: Scene
  language: string | undefined
  isBusy: boolean
  onKeepMine: () => void
  onTakeTheirs: () => void
}

/** Shows two versions of a summary, since the scene changed while one was written, and lets the person choose. */
export function SummaryConflict({ there, ...props }: SummaryConflictProps) {
  const t = useTranslations('parts.summary')
  const { summary } = there
  return (
    <Conflict title={t('changedTitle')} text={t('changedText')} theirs={summary?.text ?? ''} {...props}>
      {summary !== undefined && <Provenance origin={summary} isOutOfDate={summary.outOfDate} />}
    </Conflict>
  )
}
