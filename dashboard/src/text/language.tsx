import { type ReactNode, useEffect } from 'react'
import { IntlProvider } from 'use-intl'
import { shownLanguage, usePreferences } from '../browser/preferences.ts'
import { sharedValue } from '../browser/shared-value.ts'
import type { Messages } from './en/index.ts'

/**
 * The texts of a language are loaded when they are shown first: `first` with the frame, `rest` with the first page that needs more than these.
 */
const loaders = {
  en: {
    first: () => import('./en/index.ts').then(({ english }) => english),
    rest: () => import('./en/rest.ts').then(({ englishRest }) => englishRest),
  },
  zh: {
    first: () => import('./zh/index.ts').then(({ chinese }) => chinese),
    rest: () => import('./zh/rest.ts').then(({ chineseRest }) => chineseRest),
  },
} as const

type Language = keyof typeof loaders

/** The texts that are shown. While `isWhole` is false no page is drawn that needs the rest. */
interface Shown {
  readonly language: Language
  readonly messages: Partial<Messages>
  readonly isWhole: boolean
}

let wanted: Language | undefined
let isRestWanted = false
const shown = sharedValue<Shown | undefined>(undefined)

/** Loads the texts of the language that is shown, before they are drawn. */
export function loadTexts(): Promise<void> {
  return load(shownLanguage())
}

/** Loads the rest of the texts. Resolves once pages that need them can be drawn. */
export function loadRestOfTexts(): Promise<void> {
  isRestWanted = true
  return load(shownLanguage())
}

/** Loads the texts of a language, and shows them; those of another language where one was wanted in the meantime. */
async function load(language: Language): Promise<void> {
  wanted = language
  const isWhole = isRestWanted
  const { first, rest } = loaders[language]
  const [texts, others] = await Promise.all([first(), isWhole ? rest() : {}])
  if (wanted !== language) return load(wanted)
  const before = shown.get()
  if (before?.language === language && (before.isWhole || !isWhole)) return
  shown.set({ language, messages: { ...texts, ...others }, isWhole })
}

const tags = { en: 'en', zh: 'zh-CN' } as const

/** Gives everything below it its texts, in the language of the person. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const preferences = usePreferences()
  const language = shownLanguage(preferences)
  const texts = shown.useValue()

  // Where a text cannot be loaded, those that are shown stay.
  useEffect(() => void load(language).catch(() => undefined), [language])

  useEffect(() => {
    if (texts !== undefined) document.documentElement.lang = tags[texts.language]
  }, [texts])

  if (texts === undefined) return null
  const zone = preferences.zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone
  return (
    <IntlProvider locale={tags[texts.language]} messages={texts.messages} timeZone={zone}>
      {children}
    </IntlProvider>
  )
}
