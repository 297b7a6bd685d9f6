import { Button, Group, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { ModelFieldsForm } from './model-fields.tsx'
import {
  type KeptModel,
  type KeptModels,
  type ModelChange,
  type ModelFields,
  useChangeModels,
  useTestModel,
} from './model-queries.ts'
import { Trial } from './model-trial.tsx'

interface ModelDialogProps {
  /** Undefined: a new one. */
  kept: KeptModel | undefined
  list: KeptModels
  onClose: () => void
}

/** A model on this machine, as most begin. */
const blank: ModelFields = {
  provider: 'openai-compatible',
  baseUrl: 'http://127.0.0.1:11434/v1',
  privateNetwork: true,
  model: '',
}

/** Sets up a model, or changes the one that the person opened. What is typed can be tried before it is kept. */
export function ModelDialog({ kept, list, onClose }: ModelDialogProps) {
  const t = useTranslations('settings.modelForm')
  const [id, setId] = useState(kept?.id ?? '')
  const [first] = useState(kept?.fields ?? blank)
  const [fields, setFields] = useState(first)
  const [key, setKey] = useState('')
  const [forgetsKey, setForgetsKey] = useState(false)
  // The list as it was when one began: what somebody else changes meanwhile is not overwritten by a second try.
  const [seen] = useState(list)
  const save = useChangeModels(seen)
  const test = useTestModel()
  const change: ModelChange = { fields, ...(forgetsKey ? { key: null } : key === '' ? {} : { key }) }
  const isWhole = id.trim() !== '' && fields.model.trim() !== ''
  const isTyped =
    id !== (kept?.id ?? '') || key !== '' || forgetsKey || JSON.stringify(fields) !== JSON.stringify(first)
  const submit = () =>
    save.mutate(
      { how: 'save', id: id.trim(), change },
      {
        onSuccess() {
          notifyDone(t('saved', { id: id.trim() }))
          onClose()
        },
      },
    )
  return (
    <Dialog title={kept?.id ?? t('newTitle')} size="lg" isUnsaved={isTyped} onClose={onClose}>
      <DialogForm onSubmit={submit} action={t('save')} isBusy={save.isPending} isDisabled={!isWhole}>
        {kept === undefined && (
          <TextInput
            label={t('id')}
            description={t('idHint')}
            required
            maxLength={100}
            data-autofocus
            value={id}
            onChange={({ currentTarget }) => setId(currentTarget.value)}
          />
        )}
        <ModelFieldsForm
          fields={fields}
          onChange={setFields}
          names={test.data?.names ?? []}
          secret={{
            typed: key,
            onType: setKey,
            kept: kept?.key,
            forgets: forgetsKey,
            onForget: setForgetsKey,
          }}
        />
        <Group>
          <Button
            variant="light"
            loading={test.isPending}
            disabled={!isWhole}
            onClick={() => test.mutate({ id: id.trim(), change })}
          >
            {t('test')}
          </Button>
          <Text size="xs" c="dimmed">
            {t('testHint')}
          </Text>
        </Group>
        <Trial trial={test.data} error={test.error} />
        {save.error !== null &&
          (codeOf(save.error) === 'KEPT_MODELS_CHANGED' ? (
            <Text c="red" role="alert">
              {t('changed')}
            </Text>
          ) : (
            <ErrorNotice error={save.error} />
          ))}
      </DialogForm>
    </Dialog>
  )
}
