import { useFormatter, useLocale, useTranslations } from 'use-intl'
import { usePreferences } from '../browser/preferences.ts'

/** Returns how numbers, times and amounts are written, in the language and the time zone of the person. */
export function useWriting() {
  const format = useFormatter()
  const t = useTranslations('units')
  const { zone } = usePreferences()
  const timeZone = zone === 'utc' ? { timeZone: 'UTC' } : {}
  return {
    /** A whole number, grouped. */
    number: (value: number) => format.number(value),
    /** A share of 0 to 1 as percent. */
    percent: (share: number) => format.number(share, { style: 'percent', maximumFractionDigits: 0 }),
    /** Date and time. `at`: RFC 3339 or epoch milliseconds. */
    dateTime: (at: string | number) =>
      format.dateTime(new Date(at), { dateStyle: 'medium', timeStyle: 'medium', ...timeZone }),
    /** A time of the day. */
    time: (at: string | number) => format.dateTime(new Date(at), { timeStyle: 'medium', ...timeZone }),
    /** How long ago, or how far ahead. */
    ago: (at: string | number, now: number) => format.relativeTime(new Date(at), new Date(now)),
    /** A length of time in its two largest units; never negative. */
    duration(ms: number) {
      const exact = Math.max(0, ms) / 1_000
      if (exact < 0.1) return t('moment')
      if (exact < 9.95) return t('seconds', { count: Number(exact.toFixed(1)) })
      // Rounded before it is split: 119.6 s are two minutes.
      const seconds = Math.round(exact)
      if (seconds < 60) return t('seconds', { count: seconds })
      const minutes = Math.floor(seconds / 60)
      if (minutes < 60) return t('minutes', { minutes, seconds: seconds % 60 })
      const hours = Math.floor(minutes / 60)
      if (hours < 48) return t('hours', { hours, minutes: minutes % 60 })
      return t('days', { days: Math.floor(hours / 24), hours: hours % 24 })
    },
    /** An amount of money. Small amounts keep two significant digits. */
    money: (amount: number, currency: string | undefined) =>
      currency === undefined
        ? format.number(amount, amount < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 })
        : format.number(amount, {
            style: 'currency',
            currency,
            ...(amount > 0 && amount < 1 ? { maximumSignificantDigits: 2 } : {}),
          }),
    /** A size in bytes. */
    bytes(bytes: number) {
      const [size, unit] = sizeOf(bytes)
      return format.number(size, { style: 'unit', unit, maximumFractionDigits: 1 })
    },
  }
}

/** Returns a number of bytes in the unit that fits it. */
function sizeOf(bytes: number): [size: number, unit: 'byte' | 'kilobyte' | 'megabyte'] {
  if (bytes < 1_024) return [bytes, 'byte']
  return bytes < 1_048_576 ? [bytes / 1_024, 'kilobyte'] : [bytes / 1_048_576, 'megabyte']
}

/** Names languages (BCP 47) in the language of the page. Returns undefined for one that is not known. */
export function useLanguageName(): (language: string | undefined) => string | undefined {
  const locale = useLocale()
  return language => {
    if (language === undefined || language === 'und') return undefined
    try {
      return new Intl.DisplayNames([locale], { type: 'language', fallback: 'none' }).of(language)
    } catch {
      return undefined
    }
  }
}
