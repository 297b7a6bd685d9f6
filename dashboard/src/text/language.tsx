import { type ReactNode, useEffect, useState } from 'react'
import { IntlProvider } from 'use-intl'
import { shownLanguage, usePreferences } from '../browser/preferences.ts'
import type { Messages } from './en/index.ts'

/** The texts of a language are loaded when they are shown first. */
const loaders = {
  en: () => import('./en/index.ts').then(({ english }) => english),
  zh: () => import('./zh/index.ts').then(({ chinese }) => chinese),
} as const

/** Loads the texts of the language that is shown, before they are drawn. */
export async function loadTexts(): Promise<void> {
  await loaders[shownLanguage()]()
}

const tags = { en: 'en', zh: 'zh-CN' } as const

/** Gives everything below it its texts, in the language of the person. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const preferences = usePreferences()
  const language = shownLanguage(preferences)
  const [loaded, setLoaded] = useState<{ language: 'en' | 'zh'; messages: Messages }>()

  useEffect(() => {
    let isWanted = true
    loaders[language]().then(messages => {
      if (isWanted) setLoaded({ language, messages })
    })
    return () => {
      isWanted = false
    }
  }, [language])

  useEffect(() => {
    if (loaded !== undefined) document.documentElement.lang = tags[loaded.language]
  }, [loaded])

  if (loaded === undefined) return null
  const zone = preferences.zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
  return (
    <IntlProvider locale={tags[loaded.language]} messages={loaded.messages} timeZone={zone}>
      {children}
    </IntlProvider>
  )
}
