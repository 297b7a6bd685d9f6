import { useTranslations } from 'use-intl'
import { useWriting } from '../text/format.ts'

/** Returns how a length of time is written: below a second in milliseconds, for attempts may be that short. */
export function useDuration(): (ms: number) => string {
  const t = useTranslations('overview')
  const writing = useWriting()
  return ms => (ms < 1_000 ? t('ms', { ms: Math.round(ms) }) : writing.duration(ms))
}
