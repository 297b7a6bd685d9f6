import { NumberInput } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ProgressBar } from '../parts/progress.tsx'

/** The most that the API takes. */
const most = 100_000_000

/** How many words something is to have; 0 for no target. */
export function TargetField({ value, onChange }: { value: number; onChange: (words: number) => void }) {
  const t = useTranslations('novels.target')
  return (
    <NumberInput
      label={t('words')}
      description={t('none')}
      value={value === 0 ? '' : value}
      min={0}
      max={most}
      step={1_000}
      allowDecimal={false}
      thousandSeparator
      onChange={given => onChange(Number(given) || 0)}
    />
  )
}

/** How far something is to its target of words; nothing where it has none. */
export function TargetProgress({ words, target }: { words: number; target: number | undefined }) {
  const t = useTranslations('novels.target')
  if (target === undefined) return null
  return (
    <ProgressBar
      done={Math.min(words, target)}
      total={target}
      label={t('label')}
      step={t('of', { words, target })}
    />
  )
}
