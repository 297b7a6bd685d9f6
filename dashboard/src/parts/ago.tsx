import { Text, type TextProps } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useWriting } from '../text/format.ts'
import { useNow } from './now.ts'

/** How long ago, with the whole time when pointed at. Clocks differ: what is a moment ahead is just now. */
export function Ago({ at, ...text }: { at: string } & TextProps) {
  const t = useTranslations('parts')
  const writing = useWriting()
  const now = useNow()
  const isNow = Math.abs(now - Date.parse(at)) < 5_000
  return (
    <Text component="time" inherit className="numbers" dateTime={at} title={writing.dateTime(at)} {...text}>
      {isNow ? t('justNow') : writing.ago(at, now)}
    </Text>
  )
}
