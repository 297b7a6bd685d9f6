import {
  ActionIcon,
  Checkbox,
  Fieldset,
  Group,
  MultiSelect,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  TextInput,
} from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { FieldsList, type ItemFieldsProps } from '../parts/fields-list.tsx'
import { LongText } from '../parts/long-text.tsx'
import { ScenePicker } from '../parts/scene-picker.tsx'
import type { CodexEntry, EntryFields } from './codex-queries.ts'

/** What an entry is about, in the order in which a prompt tells them. */
export const kinds = ['person', 'place', 'thing', 'fact'] as const

/** When an entry is in a prompt. */
const times = ['when-detected', 'always', 'with-related', 'never'] as const

/** What these fields are given. */
export interface EntryFieldsProps {
  novelId: string
  fields: EntryFields
  onChange: (part: Partial<EntryFields>) => void
  /** The other entries of the codex. */
  others: readonly CodexEntry[]
}

/** The fields of an entry: what it is and when it is in a prompt, its text, what changes from a scene on, and a private note. */
export function EntryFieldsForm(props: EntryFieldsProps) {
  const { fields, onChange } = props
  const t = useTranslations('codex.fields')
  return (
    <Stack>
      <TextInput
        label={t('name')}
        required
        maxLength={200}
        data-autofocus
        value={fields.name}
        onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
      />
      <TagsInput
        label={t('aliases')}
        description={t('aliasesHint')}
        maxTags={50}
        value={fields.aliases}
        onChange={aliases => onChange({ aliases })}
      />
      <KindAndTime {...props} />
      <LongText
        label={t('text')}
        description={t('textHint')}
        minRows={3}
        maxRows={12}
        maxLength={8_000}
        value={fields.text}
        onType={text => onChange({ text })}
      />
      <ChangesFields
        novelId={props.novelId}
        changes={fields.changes}
        onChange={changes => onChange({ changes })}
      />
      {(['begins', 'ends'] as const).map(edge => (
        <ScenePicker
          key={edge}
          novelId={props.novelId}
          label={t(edge)}
          sceneId={fields[edge]}
          none={t(`none.${edge}`)}
          onPick={sceneId => onChange({ [edge]: sceneId })}
        />
      ))}
      <Related {...props} />
      <TagsInput
        label={t('exclusions')}
        description={t('exclusionsHint')}
        maxTags={50}
        value={fields.exclusions}
        onChange={exclusions => onChange({ exclusions })}
      />
      <Checkbox
        label={t('matchCase')}
        checked={fields.matchCase}
        onChange={({ currentTarget }) => onChange({ matchCase: currentTarget.checked })}
      />
      <LongText
        label={t('note')}
        description={t('noteHint')}
        maxLength={8_000}
        value={fields.note}
        onType={text => onChange({ note: text })}
      />
    </Stack>
  )
}

function KindAndTime({ fields, onChange }: EntryFieldsProps) {
  const t = useTranslations('codex')
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <Select
        label={t('fields.kind')}
        data={kinds.map(kind => ({ value: kind, label: t(`kind.${kind}`) }))}
        value={fields.kind}
        onChange={value => onChange({ kind: kinds.find(each => each === value) ?? fields.kind })}
        allowDeselect={false}
      />
      <Select
        label={t('fields.when')}
        data={times.map(time => ({ value: time, label: t(`when.${time}`) }))}
        value={fields.when}
        onChange={value => onChange({ when: times.find(each => each === value) ?? fields.when })}
        allowDeselect={false}
      />
    </SimpleGrid>
  )
}

/** The entries that are in each prompt that has this one. */
function Related({ fields, onChange, others }: EntryFieldsProps) {
  const t = useTranslations('codex.fields')
  if (others.length === 0) return null
  return (
    <MultiSelect
      label={t('relations')}
      description={t('relationsHint')}
      data={others.map(({ id, name }) => ({ value: id, label: name }))}
      value={fields.relations}
      onChange={relations => onChange({ relations })}
      maxValues={50}
      searchable
    />
  )
}

type Change = EntryFields['changes'][number]

const hows = ['add', 'replace'] as const

interface ChangesFieldsProps {
  novelId: string
  changes: Change[]
  onChange: (changes: Change[]) => void
}

/** What becomes of the text from a scene on: only that scene and later ones know it. */
function ChangesFields({ novelId, changes, onChange }: ChangesFieldsProps) {
  const t = useTranslations('codex.changes')
  return (
    <FieldsList<Change>
      title={t('title')}
      hint={t('hint')}
      action={t('add')}
      items={changes}
      most={20}
      blank={{ how: 'add', from: '', text: '' }}
      onChange={onChange}
    >
      {props => <ChangeFields novelId={novelId} {...props} />}
    </FieldsList>
  )
}

function ChangeFields(props: ItemFieldsProps<Change> & { novelId: string }) {
  const { novelId, item: change, number, onChange, onRemove } = props
  const t = useTranslations('codex.changes')
  const { until, ...rest } = change
  return (
    <Fieldset legend={t('change', { number })} data-change={number}>
      <Stack gap="xs">
        <Group justify="space-between" align="end">
          <Select
            label={t('how')}
            data={hows.map(how => ({ value: how, label: t(`hows.${how}`) }))}
            value={change.how}
            onChange={value => onChange({ ...change, how: hows.find(how => how === value) ?? change.how })}
            allowDeselect={false}
          />
          <ActionIcon variant="default" size="lg" aria-label={t('remove', { number })} onClick={onRemove}>
            <IconTrash size={18} aria-hidden />
          </ActionIcon>
        </Group>
        <ScenePicker
          novelId={novelId}
          label={t('from')}
          sceneId={rest.from}
          onPick={from => onChange({ ...change, from })}
        />
        <ScenePicker
          novelId={novelId}
          label={t('until')}
          sceneId={until ?? ''}
          none={t('toTheEnd')}
          onPick={sceneId => onChange(sceneId === '' ? rest : { ...rest, until: sceneId })}
        />
        <LongText
          label={t('text')}
          maxLength={8_000}
          value={change.text}
          onType={text => onChange({ ...change, text: text })}
        />
      </Stack>
    </Fieldset>
  )
}
