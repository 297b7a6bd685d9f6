import { readStored, sharedValue, writeStored } from './state.ts'

/** What a person chose for this browser. Kept in its local storage; shared by its tabs. */
export interface Preferences {
  /** `auto` follows the browser. */
  language: 'auto' | 'en' | 'zh'
  /** In which zone times are shown. */
  zone: 'local' | 'utc'
  /** Whether single keys do something (WCAG 2.1.4: they can be switched off). */
  shortcuts: boolean
}

const place = 'quillwork.preferences'
const defaults: Preferences = { language: 'auto', zone: 'local', shortcuts: true }
const current = sharedValue(read())

function read(): Preferences {
  return { ...defaults, ...(readStored(place) as Partial<Preferences> | undefined) }
}

window.addEventListener('storage', ({ key }) => {
  if (key === place) current.set(read())
})

/** Changes some of the preferences, in every tab. */
export function setPreferences(change: Partial<Preferences>): void {
  current.set({ ...current.get(), ...change })
  writeStored(place, current.get())
}

/** Returns what the person chose; the component is drawn again when that changes. */
export function usePreferences(): Preferences {
  return current.useValue()
}

/** Returns the language that is shown: the chosen one, else the first of the browser's that there is, else English. */
export function shownLanguage({ language }: Preferences = current.get()): 'en' | 'zh' {
  if (language !== 'auto') return language
  const first = navigator.languages.map(each => each.slice(0, 2).toLowerCase()).find(isShown)
  return first ?? 'en'
}

function isShown(language: string): language is 'en' | 'zh' {
  return language === 'en' || language === 'zh'
}
