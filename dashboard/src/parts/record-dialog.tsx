import { Alert, Button, Fieldset, SimpleGrid, Stack, Text } from '@mantine/core'
import { IconArrowsSplit, IconTrash } from '@tabler/icons-react'
import type { UseMutationResult } from '@tanstack/react-query'
import { type ReactNode, useRef, useState } from 'react'
import { useFormatter, useTranslations } from 'use-intl'
import { ApiError } from '../api/client.ts'
import { useMay } from '../api/me.ts'
import { Confirm, Dialog } from './dialog.tsx'
import { DialogForm } from './form.tsx'
import { FieldsOfWriters } from './may.tsx'
import { notifyDone } from './notify.tsx'
import { ErrorNotice } from './states.tsx'

type Mutation<Given, Returned> = Pick<
  UseMutationResult<Returned, Error, Given>,
  'mutate' | 'reset' | 'error' | 'isPending'
>

/** The fields of something that is written in such a dialog, to be rendered. */
export interface RecordFieldsProps<Fields> {
  fields: Fields
  onChange: (part: Partial<Fields>) => void
}

interface RecordDialogProps<Saved, Fields> {
  /** Where its texts are. */
  texts: 'codex.entry' | 'threads.thread'
  /** The newest that the person saw. Undefined: a new one. */
  seen: Saved | undefined
  onSeen: (there: Saved) => void
  /** What is in the fields at first. */
  start: Fields
  fieldsOf: (saved: Saved | undefined) => Fields
  nameOf: (fields: Fields) => string
  labelOf: (field: keyof Fields) => string
  /** The parts that its lists have are finished. */
  isWhole: (fields: Fields) => boolean
  /** Saves it over what the person saw. Rejects with 412 where there is a newer one. */
  save: Mutation<Fields, Saved>
  /** Deletes what the person saw. Rejects with 412 where there is a newer one. */
  remove: Mutation<Saved, unknown>
  /** Reads it as it is now. */
  read: (seen: Saved) => Promise<Saved>
  /** What an error is called here. Default: what the server says of it. */
  errorText?: ((error: unknown) => string | undefined) | undefined
  /** What else can be done with it, while nothing is changed. */
  actions?: (isChanged: boolean) => ReactNode
  children: (props: RecordFieldsProps<Fields>) => ReactNode
  onClose: () => void
}

/** Writes something that is kept, or another version of it. What somebody else wrote meanwhile is shown beside, and never overwritten unseen. */
export function RecordDialog<Saved extends { version: number }, Fields extends object>(
  props: RecordDialogProps<Saved, Fields>,
) {
  const { texts, seen, onSeen, start, fieldsOf, nameOf, isWhole, save, remove, children, onClose } = props
  const t = useTranslations(texts)
  const parts = useTranslations('parts.record')
  const [begun, setBegun] = useState(start)
  const [fields, setFields] = useState(start)
  // What a save that ends compares with: more may have been typed since it began.
  const newest = useRef(start)
  const type = (typed: Fields) => {
    newest.current = typed
    setFields(typed)
  }
  const [there, setThere] = useState<Fields>()
  const before = fieldsOf(seen)
  const canWrite = useMay('write')
  const isChanged = differing(fields, before).length > 0
  const name = nameOf(fields).trim()
  const onError = (error: unknown) => {
    if (seen === undefined || !isOutrun(error)) return
    const show = (newest: Saved) => {
      onSeen(newest)
      setThere(fieldsOf(newest))
      remove.reset()
    }
    // Where it cannot be read, the error of the request is shown.
    props.read(seen).then(show, () => undefined)
  }
  const submit = () =>
    save.mutate(fields, {
      onError,
      onSuccess(saved) {
        notifyDone(t('saved', { name }))
        if (differing(newest.current, fields).length === 0) return onClose()
        onSeen(saved)
        setBegun(fields)
        setThere(undefined)
      },
    })
  const take = (other: Fields) => {
    setBegun(other)
    type(other)
    setThere(undefined)
    save.reset()
  }
  const own = children({ fields, onChange: part => type({ ...newest.current, ...part }) })
  return (
    <Dialog
      title={seen === undefined ? t('newTitle') : nameOf(before)}
      size={there === undefined ? 'lg' : 'xl'}
      isUnsaved={differing(fields, begun).length > 0}
      onClose={onClose}
    >
      <DialogForm
        onSubmit={submit}
        action={canWrite ? (there === undefined ? t('save') : parts('keepMine')) : undefined}
        isBusy={save.isPending}
        isDisabled={!canWrite || !isWhole(fields) || !isChanged || name === ''}
        aside={canWrite && seen && <Delete key={seen.version} {...props} seen={seen} onError={onError} />}
      >
        {canWrite && props.actions?.(isChanged)}
        {there === undefined ? (
          <FieldsOfWriters>{own}</FieldsOfWriters>
        ) : (
          <Beside {...props} {...{ own, fields, there }} onTake={() => take(there)} />
        )}
        {!isWhole(fields) && (
          <Text size="sm" c="dimmed">
            {t('unfinished')}
          </Text>
        )}
        {!(there && isOutrun(save.error)) && <NotSaved error={save.error} errorText={props.errorText} />}
      </DialogForm>
    </Dialog>
  )
}

/** Somebody else wrote a newer version. */
function isOutrun(error: unknown): boolean {
  return error instanceof ApiError && error.status === 412
}

/** Returns the names of the fields that are not the same. */
function differing<Fields extends object>(some: Fields, others: Fields): (keyof Fields)[] {
  const names = Object.keys(some) as (keyof Fields)[]
  return names.filter(name => JSON.stringify(some[name]) !== JSON.stringify(others[name]))
}

interface BesideProps<Fields> extends Pick<RecordDialogProps<never, Fields>, 'labelOf' | 'children'> {
  own: ReactNode
  fields: Fields
  there: Fields
  onTake: () => void
}

/** What the person typed, and beside it what is there now. */
function Beside<Fields extends object>({
  own,
  fields,
  there,
  labelOf,
  children,
  onTake,
}: BesideProps<Fields>) {
  const t = useTranslations('parts.record')
  const format = useFormatter()
  const names = differing(fields, there).map(labelOf)
  return (
    <>
      <Alert color="yellow" icon={<IconArrowsSplit aria-hidden />} title={t('changedTitle')} role="alert">
        {t('changedText')} {names.length > 0 && t('differing', { fields: format.list(names) })}
      </Alert>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Fieldset legend={t('mine')} data-version="mine">
          {own}
        </Fieldset>
        <Stack>
          <Fieldset legend={t('theirs')} data-version="theirs" disabled>
            {children({ fields: there, onChange: () => undefined })}
          </Fieldset>
          <Button variant="default" onClick={onTake}>
            {t('takeTheirs')}
          </Button>
        </Stack>
      </SimpleGrid>
    </>
  )
}

function NotSaved({
  error,
  errorText,
}: { error: unknown } & Pick<RecordDialogProps<never, never>, 'errorText'>) {
  if (error === null) return null
  const text = errorText?.(error)
  if (text === undefined) return <ErrorNotice error={error} />
  return (
    <Alert color="red" role="alert">
      {text}
    </Alert>
  )
}

interface DeleteProps<Saved, Fields>
  extends Pick<
    RecordDialogProps<Saved, Fields>,
    'texts' | 'fieldsOf' | 'nameOf' | 'remove' | 'errorText' | 'onClose'
  > {
  seen: Saved
  onError: (error: unknown) => void
}

/** Deletes it once the person has said so. */
function Delete<Saved, Fields>(props: DeleteProps<Saved, Fields>) {
  const { texts, seen, fieldsOf, nameOf, remove, errorText, onError, onClose } = props
  const t = useTranslations(texts)
  const name = nameOf(fieldsOf(seen))
  const onSuccess = () => {
    notifyDone(t('deleted', { name }))
    onClose()
  }
  return (
    <DeleteButton
      action={t('delete')}
      title={t('deleteTitle')}
      text={t('deleteText', { name })}
      failure={<NotSaved error={remove.error} errorText={errorText} />}
      isBusy={remove.isPending}
      onDelete={() => remove.mutate(seen, { onSuccess, onError })}
    />
  )
}

interface DeleteButtonProps {
  action: string
  /** The question, and what is gone then. */
  title: string
  text: string
  /** Why it was not deleted. */
  failure: ReactNode
  isBusy: boolean
  onDelete: () => void
}

/** Deletes something once the person has said so. */
function DeleteButton({ action, title, text, failure, isBusy, onDelete }: DeleteButtonProps) {
  const [isAsked, setIsAsked] = useState(false)
  return (
    <>
      <Button
        variant="subtle"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setIsAsked(true)}
      >
        {action}
      </Button>
      {isAsked && (
        <Confirm
          title={title}
          action={action}
          isDangerous
          isBusy={isBusy}
          onClose={() => setIsAsked(false)}
          onConfirm={onDelete}
        >
          <Stack gap="xs">
            <Text>{text}</Text>
            {failure}
          </Stack>
        </Confirm>
      )}
    </>
  )
}
