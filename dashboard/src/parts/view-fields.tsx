import { Select, SimpleGrid, TextInput } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'

/** Point of view and tense; what is absent is left open. */
export type View = NonNullable<components['schemas']['Scene']['narration']>

const pointsOfView = ['first', 'second', 'third-limited', 'third-omniscient'] as const
const tenses = ['past', 'present'] as const

interface ViewFieldsProps {
  fields: View
  /** What stands where nothing is chosen. Default: that it is not said. */
  open?: string
  onChange: (view: View) => void
}

/** The fields of how it is told, of a novel or of a scene. */
export function ViewFields({ fields, open, onChange }: ViewFieldsProps) {
  const t = useTranslations('parts.view')
  const { pov, povCharacter, tense } = fields
  const set = (part: { [F in keyof View]: View[F] | undefined }) =>
    onChange(
      Object.fromEntries(
        Object.entries({ pov, povCharacter, tense, ...part }).filter(([, value]) => value !== undefined),
      ),
    )
  return (
    <SimpleGrid type="container" cols={{ base: 1, '30rem': 3 }}>
      <Select
        label={t('pov')}
        placeholder={open ?? t('open')}
        data={pointsOfView.map(each => ({ value: each, label: t(`povs.${each}`) }))}
        value={pov ?? null}
        onChange={value => set({ pov: pointsOfView.find(each => each === value) })}
        clearable
      />
      <TextInput
        label={t('povCharacter')}
        maxLength={300}
        value={povCharacter ?? ''}
        onChange={({ currentTarget: { value } }) => set({ povCharacter: value === '' ? undefined : value })}
      />
      <Select
        label={t('tense')}
        placeholder={open ?? t('open')}
        data={tenses.map(each => ({ value: each, label: t(`tenses.${each}`) }))}
        value={tense ?? null}
        onChange={value => set({ tense: tenses.find(each => each === value) })}
        clearable
      />
    </SimpleGrid>
  )
}

/** Returns how a point of view and a tense are put in words; empty where both are left open. */
export function useViewText(): (view: View) => string {
  const t = useTranslations('parts.view')
  return ({ pov, povCharacter, tense }) =>
    [pov && t(`povs.${pov}`), povCharacter, tense && t(`tenses.${tense}`)]
      .filter(part => part !== undefined)
      .join(' · ')
}
