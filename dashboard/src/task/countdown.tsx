import { Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useNow } from '../parts/now.ts'
import { useWriting } from '../text/format.ts'

/** How long until something is due; counts down. Clocks differ, and what is due takes a moment: never less than nothing. */
export function Countdown({ at }: { at: string }) {
  const t = useTranslations('task.waiting')
  const writing = useWriting()
  const now = useNow()
  const left = Date.parse(at) - now
  return (
    <Text span inherit className="numbers" title={writing.dateTime(at)}>
      {left < 1_000 ? t('now') : t('in', { time: writing.duration(Math.round(left / 1_000) * 1_000) })}
    </Text>
  )
}
