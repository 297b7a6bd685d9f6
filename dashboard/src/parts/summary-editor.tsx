import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ComponentProps } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ifMatch, type Scene, sceneQuery, useReadScene, useReadSceneAgain } from '../queries/novel-queries.ts'
import { useVersionedEdit } from '../queries/versioned-edit.ts'
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

/** Lets a person write the summary of a scene, where it stands. */
export function SummaryEditor({ scene, language, isBeingMade, onClose }: SummaryEditorProps) {
  const t = useTranslations('parts.summary')
  const there = useNewest(scene)
  const edit = useSummaryEdit(there, onClose)
  const { typed, isChanged, isPending, theirs, error } = edit
  // Saved as it is, a summary of an older text becomes one of the text that is there.
  const canSave = isChanged || there.summary?.outOfDate === true
  const question = useUnsaved(isChanged)
  return (
    <Stack gap="sm">
      {theirs !== undefined ? (
        <SummaryConflict
          mine={typed}
          there={there}
          language={language}
          edit={{
            ...edit,
            takeTheirs() {
              edit.takeTheirs()
              onClose()
            },
          }}
        />
      ) : (
        <SummaryForm
          text={typed}
          label={t('title')}
          description={t('emptyRemoves')}
          longest={longest}
          isChanged={isChanged}
          canSave={canSave}
          isPending={isPending}
          error={error}
          language={language}
          onType={edit.type}
          onSave={() => (canSave ? edit.save() : undefined)}
          onClose={onClose}
        />
      )}
      {isBeingMade && <Text size="sm">{t('yourEditWins')}</Text>}
      {/* Not within the form: what is submitted in a dialog is submitted in all that is around it. */}
      {question}
    </Stack>
  )
}

/** Returns the scene as it was last read: the chapter that shows it may be older. */
function useNewest(scene: Summarised): Summarised {
  const { data = scene } = useQuery({ ...sceneQuery(scene.id), enabled: false })
  return data.version > scene.version ? data : scene
}

function useSummaryEdit(scene: Summarised, onClose: () => void) {
  const queries = useQueryClient()
  const readScene = useReadScene(scene.id)
  const readAgain = useReadSceneAgain(scene)
  return useVersionedEdit(versioned(scene), {
    async write(text, version) {
      const params = { path: { sceneId: scene.id }, header: ifMatch({ version }) }
      const body = { summary: text.trim() }
      const saved = await dataOf(api.PATCH('/v1/scenes/{sceneId}', { params, body }))
      queries.setQueryData(keys.scene(scene.id), saved)
      // The editor closes onto what a chapter shows of the scene.
      await readAgain()
      return versioned(saved)
    },
    async read() {
      const newest = await readScene()
      // The chapter is as old as what the person saw, and is shown again where theirs is taken.
      void readAgain()
      return versioned(newest)
    },
    onSaved: isAll => isAll && onClose(),
  })
}

function versioned({ summary, version }: Summarised) {
  return { value: summary?.text ?? '', version }
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
  /** Why it could not be saved. */
  error: unknown
  language: string | undefined
  onType: (typed: string) => void
  onSave: () => void
  onClose: () => void
}

/** The field of a summary, with what saves it. */
export function SummaryForm(props: SummaryFormProps) {
  const { text, label, description, longest: most, language } = props
  const { isChanged, canSave, isPending, error, onType, onSave, onClose } = props
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
        {error !== null && <ErrorNotice error={error} />}
      </Stack>
    </Form>
  )
}

interface SummaryConflictProps
  extends Omit<ComponentProps<typeof Conflict>, 'title' | 'text' | 'theirs' | 'children'> {
  /** The scene as it is now. */
  there: Pick<Scene, 'summary'>
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
