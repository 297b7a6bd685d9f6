import { Text, type TextProps } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { useTranslations } from 'use-intl'
import { useWriting } from '../text/format.ts'

/** One clock for all times that are shown, so that they move together and cost one timer. */
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const each of listeners) each()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** Epoch milliseconds, once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

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
