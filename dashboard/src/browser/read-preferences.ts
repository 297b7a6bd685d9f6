import { readStored } from './state.ts'

/** What a person chose for this browser. Kept in its local storage; shared by its tabs. */
export interface Preferences {
  /** `auto` follows the browser. */
  language: 'auto' | 'en' | 'zh'
  /** In which zone times are shown. */
  zone: 'local' | 'utc'
  /** Whether single keys do something (WCAG 2.1.4: they can be switched off). */
  shortcuts: boolean
}

/** Under this name the browser stores them. */
export const preferencesPlace = 'quillwork.preferences'
const defaults: Preferences = { language: 'auto', zone: 'local', shortcuts: true }

/** Returns what the person chose, as it is stored. */
export function readPreferences(): Preferences {
  return { ...defaults, ...(readStored(preferencesPlace) as Partial<Preferences> | undefined) }
}

/** Returns the language that is shown: the chosen one, else the first of the browser's that there is, else English. */
export function languageOf({ language }: Preferences): 'en' | 'zh' {
  if (language !== 'auto') return language
  const first = navigator.languages.map(each => each.slice(0, 2).toLowerCase()).find(isShown)
  return first ?? 'en'
}

function isShown(language: string): language is 'en' | 'zh' {
  return language === 'en' || language === 'zh'
}
