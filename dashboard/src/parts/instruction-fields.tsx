import { Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { type Capabilities, currencyOf, proseModels } from '../api/capabilities.ts'
import { useWriting } from '../text/format.ts'
import { type Instructions, type Unit, usualLength } from './instructions.ts'
import { NumberField } from './number-field.tsx'

/** What the API takes of a length. */
const bounds = { words: { min: 20, max: 5_000 }, characters: { min: 20, max: 30_000 } } as const

/** What these fields are given. */
export interface MoreInstructionsProps {
  wanted: Instructions
  onChange: (part: Partial<Instructions>) => void
  capabilities: Capabilities
  unit: Unit
  /** The length that is asked for where none is given. Default: that of a scene. */
  usual?: string
}

/** Instructions that a scene can do without: length, style, tone, which model, a budget. */
export function MoreInstructions(props: MoreInstructionsProps) {
  const { wanted, onChange, unit, usual } = props
  const t = useTranslations('scenes.write')
  const writing = useWriting()
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NumberField
          label={unit === 'words' ? t('words') : t('characters')}
          placeholder={usual ?? writing.number(usualLength[unit])}
          value={wanted.length}
          onChange={length => onChange({ length })}
          {...bounds[unit]}
          step={100}
          allowDecimal={false}
          thousandSeparator=" "
        />
        <NumberField
          label={t('candidates')}
          placeholder={writing.number(1)}
          value={wanted.candidates}
          onChange={candidates => onChange({ candidates })}
          min={1}
          max={4}
          allowDecimal={false}
        />
        <ModelChoice {...props} />
        <TextInput
          label={t('style')}
          placeholder={t('styleExample')}
          maxLength={1_000}
          value={wanted.style}
          onChange={({ currentTarget }) => onChange({ style: currentTarget.value })}
        />
        <TextInput
          label={t('tone')}
          placeholder={t('toneExample')}
          maxLength={1_000}
          value={wanted.tone}
          onChange={({ currentTarget }) => onChange({ tone: currentTarget.value })}
        />
      </SimpleGrid>
      <Budget {...props} />
    </Stack>
  )
}

function ModelChoice({ wanted, onChange, capabilities }: MoreInstructionsProps) {
  const t = useTranslations('scenes.write')
  const models = proseModels(capabilities)
  if (models.length < 2) return null
  const first = models.find(({ defaultFor }) => defaultFor.includes('prose'))?.id ?? models[0]?.id ?? ''
  return (
    <Select
      label={t('model')}
      data={models.map(({ id }) => ({
        value: id,
        label: id === first ? t('usualModel', { model: id }) : id,
      }))}
      value={wanted.model === '' ? first : wanted.model}
      onChange={model => onChange({ model: model === null || model === first ? '' : model })}
      allowDeselect={false}
    />
  )
}

function Budget({ wanted, onChange, capabilities }: MoreInstructionsProps) {
  const t = useTranslations('scenes.write')
  const currency = currencyOf(capabilities)
  return (
    <Stack gap="xs">
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {currency !== undefined && (
          <NumberField
            label={t('budgetCost', { currency })}
            placeholder={t('noBudget')}
            value={wanted.cost}
            onChange={cost => onChange({ cost })}
            min={0}
            step={0.1}
            decimalScale={4}
          />
        )}
        <NumberField
          label={t('budgetTokens')}
          placeholder={t('noBudget')}
          value={wanted.tokens}
          onChange={tokens => onChange({ tokens })}
          min={0}
          step={1_000}
          allowDecimal={false}
          thousandSeparator=" "
        />
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        {t('budgetHint')}
      </Text>
    </Stack>
  )
}
