import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { ApiError } from '../api/problem.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { ifMatch, readScene, type Scene, useReadAgain } from '../queries/scene-queries.ts'
import type { SceneEntry } from './novel.ts'
import { SummaryConflict } from './summary-conflict.tsx'
import { useUnsaved } from './use-unsaved.tsx'

/** Most characters of a summary. */
const longest = 10_000

interface SummaryEditorProps {
  scene: SceneEntry
  language: string | undefined
  /** A task makes a summary of the scene at this moment. */
  isBeingMade: boolean
  onClose: () => void
}

/** Lets a person write the summary of a scene, where it stands. What somebody changed meanwhile is shown beside, and never overwritten unseen. */
export function SummaryEditor({ scene, language, isBeingMade, onClose }: SummaryEditorProps) {
  const t = useTranslations('novels.summary')
  const actions = useTranslations('actions')
  const [seen, setSeen] = useState(scene)
  const before = seen.summary?.text ?? ''
  const [text, setText] = useState(before)
  // What a save that ends compares with: more may have been typed since it began.
  const newest = useRef(text)
  const type = (typed: string) => {
    newest.current = typed
    setText(typed)
  }
  const { save, error, isPending, there, readAgain } = useSave(seen, (sent, saved) =>
    newest.current === sent ? onClose() : setSeen(saved),
  )
  const send = () => (isPending ? undefined : save({ text, version: seen.version }))
  const question = useUnsaved(text !== before)
  if (there !== undefined)
    return (
      <SummaryConflict
        mine={text}
        there={there}
        language={language}
        isBusy={isPending}
        onKeepMine={() => save({ text, version: there.version })}
        onTakeTheirs={() => void readAgain().then(onClose)}
      />
    )
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <Stack gap="sm">
        <Textarea
          aria-label={t('title')}
          description={t('emptyRemoves')}
          value={text}
          onChange={({ currentTarget }) => type(currentTarget.value)}
          onKeyDown={event => {
            if (event.nativeEvent.isComposing) return
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send()
            if (event.key === 'Escape' && text === before) onClose()
          }}
          autosize
          minRows={4}
          maxRows={16}
          maxLength={longest}
          lang={language}
          data-autofocus
          autoFocus
        />
        {isBeingMade && <Text size="sm">{t('yourEditWins')}</Text>}
        {error !== undefined && <ErrorNotice error={error} />}
        <Group gap="xs">
          <Button type="submit" size="xs" loading={isPending} disabled={text === before}>
            {actions('save')}
          </Button>
          <Button variant="default" size="xs" onClick={onClose}>
            {actions('cancel')}
          </Button>
        </Group>
      </Stack>
      {question}
    </form>
  )
}

interface Saving {
  text: string
  /** The version of the scene that the person saw. */
  version: number
}

/** Saves a summary if the scene is what the person saw; else `there` is the scene as it is now. */
function useSave(scene: SceneEntry, onSaved: (sent: string, saved: Scene) => void) {
  const queries = useQueryClient()
  const readAgain = useReadAgain(scene)
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
  const isConflict = error instanceof ApiError && error.status === 412
  return { save: mutate, error: isConflict ? undefined : (error ?? undefined), isPending, there, readAgain }
}
