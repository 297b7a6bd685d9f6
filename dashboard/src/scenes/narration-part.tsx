import { Button, Group, Stack } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { Conflict } from '../parts/conflict.tsx'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import { FieldsOfWriters } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { useViewText, ViewFields } from '../parts/view-fields.tsx'
import { type Scene, useOutline, useReadScene } from '../queries/novel-queries.ts'
import { useVersionedEdit } from '../queries/versioned-edit.ts'
import { useEdit } from './scene-writes.ts'

/** Point of view and tense of a scene, where they differ from those of the novel. */
export function NarrationPart({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes.narration')
  const edit = useNarrationEdit(scene)
  const { typed: fields, isChanged, theirs, isPending, error } = edit
  const { data: novel } = useOutline(scene.novelId)
  const question = useUnsaved(isChanged)
  const textOf = useViewText()
  return (
    <Panel title={t('title')} hint={t('hint')} data-narration>
      {theirs !== undefined ? (
        <Conflict mine={textOf(fields)} theirs={textOf(theirs)} language={novel?.language} edit={edit} />
      ) : (
        <Form onSubmit={() => edit.save()}>
          <Stack gap="sm">
            <FieldsOfWriters>
              <ViewFields fields={fields} open={t('asNovel')} onChange={edit.type} />
            </FieldsOfWriters>
            {error !== null && <ErrorNotice error={error} />}
            {isChanged && (
              <Group justify="flex-end">
                <Button type="submit" size="xs" variant="default" loading={isPending}>
                  {t('save')}
                </Button>
              </Group>
            )}
          </Stack>
        </Form>
      )}
      {question}
    </Panel>
  )
}

function useNarrationEdit(scene: Scene) {
  const t = useTranslations('scenes.narration')
  const edit = useEdit(scene.id)
  const readScene = useReadScene(scene.id)
  return useVersionedEdit(versioned(scene), {
    write: async (narration, version) =>
      versioned(await edit.mutateAsync({ edit: { narration }, seen: { version } })),
    read: async () => versioned(await readScene()),
    onSaved: () => notifyDone(t('saved')),
  })
}

function versioned({ narration = {}, version }: Scene) {
  return { value: narration, version }
}
