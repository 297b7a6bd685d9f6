import { Button, Group, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Form } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { ViewFields } from '../parts/view-fields.tsx'
import type { Scene } from '../queries/novel-queries.ts'
import { useEdit } from './scene-writes.ts'

/** Point of view and tense of a scene, where they differ from those of the novel. */
export function NarrationPart({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes.narration')
  return (
    <Panel title={t('title')} hint={t('hint')} data-narration>
      <NarrationForm key={JSON.stringify(scene.narration)} scene={scene} />
    </Panel>
  )
}

/** Saves over the version that the person saw. */
function NarrationForm({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes.narration')
  const seen = scene.narration ?? {}
  const [fields, setFields] = useState(seen)
  const { mutate, isPending, error } = useEdit(scene.id)
  const isChanged = (['pov', 'povCharacter', 'tense'] as const).some(field => fields[field] !== seen[field])
  const save = () =>
    mutate({ edit: { narration: fields }, seen: scene }, { onSuccess: () => notifyDone(t('saved')) })
  return (
    <Form onSubmit={save}>
      <Stack gap="sm">
        <ViewFields fields={fields} open={t('asNovel')} onChange={setFields} />
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
  )
}
