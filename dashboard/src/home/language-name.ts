import { useLocale } from 'use-intl'

/** The name of a language (BCP 47) in the language of the page; undefined for one that is not known. */
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
