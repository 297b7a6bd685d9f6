import { ActionIcon, Fieldset, Group, Select, Stack, TextInput } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { FieldsList, type ItemFieldsProps } from '../parts/fields-list.tsx'
import { LongText } from '../parts/long-text.tsx'
import { ScenePicker } from '../parts/scene-picker.tsx'
import type { ThreadFields } from './thread-queries.ts'

interface ThreadFieldsProps {
  novelId: string
  fields: ThreadFields
  onChange: (part: Partial<ThreadFields>) => void
}

/** The fields of a thread: the plan of its author, where it is to be planted and resolved, what the text does with it, and a private note. */
export function ThreadFieldsForm({ novelId, fields, onChange }: ThreadFieldsProps) {
  const t = useTranslations('threads.fields')
  const long = (field: 'plan' | 'note', hint: string) => (
    <LongText
      label={t(field)}
      description={hint}
      maxLength={field === 'plan' ? 4_000 : 8_000}
      value={fields[field]}
      onType={text => onChange({ [field]: text })}
    />
  )
  return (
    <Stack>
      <TextInput
        label={t('title')}
        required
        maxLength={300}
        value={fields.title}
        onChange={({ currentTarget }) => onChange({ title: currentTarget.value })}
        data-autofocus
      />
      {long('plan', t('planHint'))}
      {(['plantBy', 'resolveBy'] as const).map(edge => (
        <ScenePicker
          key={edge}
          novelId={novelId}
          label={t(edge)}
          sceneId={fields[edge]}
          none={t('anyScene')}
          onPick={sceneId => onChange({ [edge]: sceneId })}
        />
      ))}
      <Events novelId={novelId} events={fields.events} onChange={events => onChange({ events })} />
      {long('note', t('noteHint'))}
    </Stack>
  )
}

type Event = ThreadFields['events'][number]

interface EventsProps {
  novelId: string
  events: Event[]
  onChange: (events: Event[]) => void
}

/** What scenes do with the thread, each with the words that do it. */
function Events({ novelId, events, onChange }: EventsProps) {
  const t = useTranslations('threads.events')
  return (
    <FieldsList<Event>
      title={t('title')}
      hint={t('hint')}
      action={t('add')}
      items={events}
      most={50}
      blank={{ scene: '', kind: events.length === 0 ? 'planted' : 'advanced', quotation: '' }}
      onChange={onChange}
    >
      {props => <EventFields novelId={novelId} {...props} />}
    </FieldsList>
  )
}

const kinds = ['planted', 'advanced', 'resolved'] as const

function EventFields(props: ItemFieldsProps<Event> & { novelId: string }) {
  const { novelId, item: event, number, onChange, onRemove } = props
  const t = useTranslations('threads')
  return (
    <Fieldset legend={t('events.event', { number })} data-event-fields={number}>
      <Stack gap="xs">
        <Group justify="space-between" align="end">
          <Select
            label={t('events.kind')}
            data={kinds.map(kind => ({ value: kind, label: t(`kinds.${kind}`) }))}
            value={event.kind}
            onChange={value => onChange({ ...event, kind: kinds.find(kind => kind === value) ?? event.kind })}
            allowDeselect={false}
          />
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={t('events.remove', { number })}
            onClick={onRemove}
          >
            <IconTrash size={18} aria-hidden />
          </ActionIcon>
        </Group>
        <ScenePicker
          novelId={novelId}
          label={t('events.scene')}
          sceneId={event.scene}
          onPick={scene => onChange({ ...event, scene })}
        />
        <LongText
          label={t('events.quotation')}
          maxRows={6}
          maxLength={500}
          value={event.quotation}
          onType={quotation => onChange({ ...event, quotation })}
        />
      </Stack>
    </Fieldset>
  )
}
