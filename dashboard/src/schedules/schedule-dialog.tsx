import { List, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCapabilities } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { JsonInput, readJson } from '../parts/json-input.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useWriting } from '../text/format.ts'

type Schedule = components['schemas']['ScheduleWithParameters']

const priorities = ['normal', 'high'] as const
const catchUps = ['latest', 'all', 'none'] as const
const overlaps = ['allow', 'skip'] as const

/** What is typed. `lane`: empty for that of the task. */
interface Draft {
  id: string
  cron: string
  timeZone: string
  taskType: string
  parameters: string
  lane: string
  priority: Schedule['priority']
  catchUp: Schedule['catchUp']
  overlap: Schedule['overlap']
}

const usual = { priority: 'normal', catchUp: 'latest', overlap: 'allow' } as const

function newDraft(): Draft {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return { id: '', cron: '', timeZone, taskType: '', parameters: '{}', lane: '', ...usual }
}

function draftOf({ parameters, nextTicks: _, ...schedule }: Schedule): Draft {
  return { ...schedule, parameters: JSON.stringify(parameters ?? {}, null, 2) }
}

/** Makes a schedule, or changes one that was made. `id`: of that one. */
export function ScheduleDialog({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const t = useTranslations('schedules.form')
  return (
    <Dialog title={id === undefined ? t('newTitle') : t('editTitle', { id })} size="lg" onClose={onClose}>
      {id === undefined ? (
        <ScheduleForm first={newDraft()} isNew onDone={onClose} />
      ) : (
        <EditForm id={id} onDone={onClose} />
      )}
    </Dialog>
  )
}

/** The parameters are in no list. */
function EditForm({ id, onDone }: { id: string; onDone: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: [...keys.schedules, id],
    queryFn: () => dataOf(api.GET('/v1/schedules/{schedule}', { params: { path: { schedule: id } } })),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (data === undefined) return <Pending error={error} onRetry={refetch} lines={6} />
  return <ScheduleForm first={draftOf(data)} isNew={false} onDone={onDone} />
}

/** Sends what was typed. The lane is sent only where another was chosen: that of the task may change with the task. */
function useSave(first: Draft, isNew: boolean, onDone: () => void) {
  const t = useTranslations('schedules.form')
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ id, lane, parameters, ...draft }: Draft) => {
      const read = readJson(parameters)
      const given = {
        ...{ cron: draft.cron.trim(), timeZone: draft.timeZone.trim() || 'UTC', taskType: draft.taskType },
        ...{ priority: draft.priority, catchUp: draft.catchUp, overlap: draft.overlap },
        ...(read.isValid && { parameters: read.value }),
      }
      const params = { path: { schedule: id } }
      const chosen = lane === first.lane ? {} : { lane: lane === '' ? null : lane }
      return isNew
        ? dataOf(
            api.POST('/v1/schedules', { body: { id: id.trim(), ...given, ...(lane !== '' && { lane }) } }),
          )
        : dataOf(api.PATCH('/v1/schedules/{schedule}', { params, body: { ...given, ...chosen } }))
    },
    onSuccess({ id }) {
      notifyDone(t(isNew ? 'made' : 'saved', { id }))
      onDone()
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.schedules }),
  })
}

function ScheduleForm({ first, isNew, onDone }: { first: Draft; isNew: boolean; onDone: () => void }) {
  const t = useTranslations('schedules.form')
  const [draft, setDraft] = useState(first)
  const save = useSave(first, isNew, onDone)
  const change = (next: Partial<Draft>) => setDraft(before => ({ ...before, ...next }))
  const json = readJson(draft.parameters)
  const isWhole = draft.id.trim() !== '' && draft.cron.trim() !== '' && draft.taskType !== '' && json.isValid
  return (
    <DialogForm
      onSubmit={() => save.mutate(draft)}
      action={t(isNew ? 'make' : 'save')}
      isBusy={save.isPending}
      isDisabled={!isWhole}
      error={save.error}
    >
      {isNew && (
        <TextInput
          label={t('name')}
          description={t('nameHint')}
          required
          maxLength={100}
          data-autofocus
          value={draft.id}
          onChange={({ currentTarget }) => change({ id: currentTarget.value })}
        />
      )}
      <WhenFields draft={draft} onChange={change} />
      <WhatFields draft={draft} onChange={change} />
      <JsonInput
        label={t('parameters')}
        data-autofocus={undefined}
        text={draft.parameters}
        onText={parameters => change({ parameters })}
        error={json.isValid ? undefined : t('notJson', { reason: json.reason })}
      />
    </DialogForm>
  )
}

interface FieldsProps {
  draft: Draft
  onChange: (next: Partial<Draft>) => void
}

function WhenFields({ draft: { cron, timeZone }, onChange }: FieldsProps) {
  const t = useTranslations('schedules')
  const form = useTranslations('schedules.form')
  return (
    <>
      <TextInput
        label={t('cron')}
        description={form('cronHint')}
        required
        maxLength={200}
        value={cron}
        onChange={({ currentTarget }) => onChange({ cron: currentTarget.value })}
      />
      <TextInput
        label={t('zone')}
        description={form('zoneHint')}
        maxLength={100}
        value={timeZone}
        onChange={({ currentTarget }) => onChange({ timeZone: currentTarget.value })}
      />
      <NextTicks cron={cron.trim()} timeZone={timeZone.trim()} />
    </>
  )
}

/** Milliseconds after the last key before the server is asked. */
const askAfterMs = 300

/** The ticks of what is typed, as the server would read it. */
function NextTicks({ cron, timeZone }: { cron: string; timeZone: string }) {
  const t = useTranslations('schedules.form')
  const writing = useWriting()
  const [asked] = useDebouncedValue(JSON.stringify({ cron, timeZone: timeZone || 'UTC' }), askAfterMs)
  const body = JSON.parse(asked) as { cron: string; timeZone: string }
  const { data, error } = useQuery({
    queryKey: ['schedule-ticks', asked],
    queryFn: () => dataOf(api.POST('/v1/schedules:preview', { body })),
    enabled: body.cron !== '',
    retry: false,
  })
  if (error !== null) return <ErrorNotice error={error} />
  if (data === undefined) return null
  const [next] = data.nextTicks
  if (next === undefined) return <Text size="sm">{t('noTicks')}</Text>
  return (
    <Stack gap={4} data-ticks={data.nextTicks.length}>
      <Text size="sm">{t('ticks')}</Text>
      <List size="sm">
        {data.nextTicks.map(at => (
          <List.Item key={at} className="numbers">
            {writing.dateTime(at)}
          </List.Item>
        ))}
      </List>
    </Stack>
  )
}

function WhatFields({ draft, onChange }: FieldsProps) {
  const t = useTranslations('schedules')
  const form = useTranslations('schedules.form')
  const typeName = useTaskTypeName()
  const { data: server } = useCapabilities()
  const types = (server?.taskTypes ?? []).map(({ type }) => ({ value: type, label: typeName(type) }))
  const lanes = (server?.lanes ?? []).map(({ lane }) => ({ value: lane, label: lane }))
  return (
    <>
      <Select
        label={t('task')}
        data={types}
        value={draft.taskType}
        onChange={value => onChange({ taskType: value ?? '' })}
        searchable
        allowDeselect={false}
        required
      />
      <Select
        label={t('lane')}
        data={[{ value: '', label: form('ofType') }, ...lanes]}
        value={draft.lane}
        onChange={value => onChange({ lane: value ?? '' })}
        allowDeselect={false}
      />
      <Select
        label={t('priority')}
        data={priorities.map(value => ({ value, label: t(`priorities.${value}`) }))}
        value={draft.priority}
        onChange={value => onChange({ priority: priorities.find(each => each === value) ?? 'normal' })}
        allowDeselect={false}
      />
      <Select
        label={t('missed')}
        data={catchUps.map(value => ({ value, label: t(`catchUp.${value}`) }))}
        value={draft.catchUp}
        onChange={value => onChange({ catchUp: catchUps.find(each => each === value) ?? 'latest' })}
        allowDeselect={false}
      />
      <Select
        label={t('meanwhile')}
        data={overlaps.map(value => ({ value, label: t(`overlap.${value}`) }))}
        value={draft.overlap}
        onChange={value => onChange({ overlap: overlaps.find(each => each === value) ?? 'allow' })}
        allowDeselect={false}
      />
    </>
  )
}
