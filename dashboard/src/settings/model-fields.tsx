import {
  Autocomplete,
  Checkbox,
  Fieldset,
  MultiSelect,
  PasswordInput,
  Select,
  SimpleGrid,
  Stack,
  TextInput,
} from '@mantine/core'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { NumberField } from '../parts/number-field.tsx'
import type { KeptModel, ModelFields } from './model-queries.ts'

const providers = ['openai-compatible', 'openai', 'anthropic', 'google'] as const
const uses = ['prose', 'summary', 'embedding'] as const

interface FieldsProps {
  fields: ModelFields
  onChange: (fields: ModelFields) => void
}

/** What is typed as a key, and what becomes of the kept one. */
interface Secret {
  typed: string
  onType: (typed: string) => void
  kept: KeptModel['key']
  forgets: boolean
  onForget: (forgets: boolean) => void
}

/** Returns the fields with another value; without the field where there is none. */
function withField<Name extends keyof ModelFields>(
  fields: ModelFields,
  name: Name,
  value: ModelFields[Name] | undefined,
): ModelFields {
  const { [name]: _, ...rest } = fields
  return (value === undefined ? rest : { ...rest, [name]: value }) as ModelFields
}

/** The fields of a model: where it is and as whom, what for, how long, how often, for how much. Fields that have no place here stay. */
export function ModelFieldsForm(props: FieldsProps & { names: readonly string[]; secret: Secret }) {
  const { fields, onChange, names, secret } = props
  const t = useTranslations('settings.modelForm')
  return (
    <Stack>
      <Select
        label={t('provider')}
        data={providers.map(provider => ({ value: provider, label: t(`providers.${provider}`) }))}
        value={fields.provider}
        onChange={value => {
          const provider = providers.find(each => each === value) ?? fields.provider
          const { baseUrl: _, privateNetwork: __, ...rest } = fields
          onChange({ ...rest, provider })
        }}
        allowDeselect={false}
      />
      <TextInput
        label={t('baseUrl')}
        description={t('baseUrlHint')}
        required={fields.provider === 'openai-compatible'}
        maxLength={2_000}
        value={fields.baseUrl ?? ''}
        onChange={({ currentTarget: { value } }) =>
          onChange(
            withField(
              // An unencrypted address is for a server of one's own.
              { ...fields, privateNetwork: value.startsWith('http:') },
              'baseUrl',
              value === '' ? undefined : value,
            ),
          )
        }
      />
      <Autocomplete
        label={t('model')}
        description={t('modelHint')}
        required
        maxLength={200}
        data={[...new Set(names)]}
        value={fields.model}
        onChange={model => onChange({ ...fields, model })}
      />
      <KeyFields {...secret} />
      <MultiSelect
        label={t('uses')}
        data={uses.map(use => ({ value: use, label: t(`useNames.${use}`) }))}
        value={fields.uses ?? ['prose', 'summary']}
        onChange={chosen => onChange({ ...fields, uses: uses.filter(use => chosen.includes(use)) })}
      />
      <Checkbox
        label={t('privateNetwork')}
        checked={fields.privateNetwork ?? false}
        onChange={({ currentTarget }) => onChange({ ...fields, privateNetwork: currentTarget.checked })}
      />
      <Sizes fields={fields} onChange={onChange} />
      <Limits fields={fields} onChange={onChange} />
      <PriceFields fields={fields} onChange={onChange} />
    </Stack>
  )
}

function KeyFields({ typed, onType, kept, forgets, onForget }: Secret) {
  const t = useTranslations('settings.modelForm')
  return (
    <>
      <PasswordInput
        label={t('key')}
        description={kept === undefined ? t('keyHint') : t('keyStays', { end: kept.lastCharacters })}
        autoComplete="off"
        maxLength={4_096}
        disabled={forgets}
        value={typed}
        onChange={({ currentTarget }) => onType(currentTarget.value)}
      />
      {kept !== undefined && (
        <Checkbox
          label={t('forgetKey')}
          checked={forgets}
          onChange={({ currentTarget }) => onForget(currentTarget.checked)}
        />
      )}
    </>
  )
}

interface OptionalNumberProps {
  label: string
  description?: string
  value: number | undefined
  onChange: (value: number | undefined) => void
  isWhole?: boolean
  min?: number
}

function OptionalNumber({
  label,
  description,
  value,
  onChange,
  isWhole = true,
  min = 1,
}: OptionalNumberProps) {
  return (
    <NumberField
      label={label}
      {...(description === undefined ? {} : { description })}
      min={min}
      allowDecimal={!isWhole}
      hideControls
      value={value ?? ''}
      onChange={given => onChange(given === '' ? undefined : given)}
    />
  )
}

function Sizes({ fields, onChange }: FieldsProps) {
  const t = useTranslations('settings.modelForm')
  const isEmbedding = fields.uses?.includes('embedding') === true
  const field = (name: 'contextTokens' | 'maxOutputTokens' | 'thinkingTokens' | 'dimensions') => ({
    label: t(name),
    value: fields[name],
    onChange: (value: number | undefined) => onChange(withField(fields, name, value)),
  })
  if (isEmbedding) return <OptionalNumber {...field('dimensions')} />
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }}>
      <OptionalNumber {...field('contextTokens')} description={t('contextHint')} />
      <OptionalNumber {...field('maxOutputTokens')} description={t('outputHint')} />
      <OptionalNumber {...field('thinkingTokens')} description={t('thinkingHint')} min={0} />
    </SimpleGrid>
  )
}

function Limits({ fields, onChange }: FieldsProps) {
  const t = useTranslations('settings.modelForm')
  const { limits = {} } = fields
  const field = (name: keyof typeof limits) => ({
    label: t(name),
    value: limits[name],
    onChange(value: number | undefined) {
      const { [name]: _, ...rest } = limits
      const next = value === undefined ? rest : { ...rest, [name]: value }
      onChange(withField(fields, 'limits', Object.keys(next).length === 0 ? undefined : next))
    },
  })
  return (
    <Fieldset legend={t('limits')}>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <OptionalNumber {...field('requestsPerMinute')} />
        <OptionalNumber {...field('tokensPerMinute')} />
        <OptionalNumber {...field('concurrency')} />
      </SimpleGrid>
    </Fieldset>
  )
}

type Price = NonNullable<ModelFields['price']>

function PriceFields({ fields, onChange }: FieldsProps) {
  const t = useTranslations('settings.modelForm')
  const { price } = fields
  const set = (part: { [Name in keyof Price]?: Price[Name] | undefined }) => {
    const { input = 0, output = 0, currency = 'USD', cachedInput } = { ...price, ...part }
    // Of a model that is priced at nothing, a budget in money would hold nothing up.
    const isPriced = input > 0 || output > 0 || (cachedInput ?? 0) > 0
    const next = { input, output, currency, ...defined({ cachedInput }) }
    onChange(withField(fields, 'price', isPriced ? next : undefined))
  }
  return (
    <Fieldset legend={t('price')}>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <OptionalNumber
          label={t('priceIn')}
          value={price?.input}
          onChange={input => set({ input })}
          isWhole={false}
          min={0}
        />
        <OptionalNumber
          label={t('priceCached')}
          value={price?.cachedInput}
          onChange={cachedInput => set({ cachedInput })}
          isWhole={false}
          min={0}
        />
        <OptionalNumber
          label={t('priceOut')}
          value={price?.output}
          onChange={output => set({ output })}
          isWhole={false}
          min={0}
        />
        <TextInput
          label={t('currency')}
          maxLength={3}
          value={price?.currency ?? 'USD'}
          disabled={price === undefined}
          onChange={({ currentTarget }) => set({ currency: currentTarget.value.toUpperCase() })}
        />
      </SimpleGrid>
    </Fieldset>
  )
}
