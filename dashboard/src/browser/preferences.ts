import { languageOf, type Preferences, preferencesPlace, readPreferences } from './read-preferences.ts'
import { sharedValue } from './shared-value.ts'
import { writeStored } from './state.ts'

const current = sharedValue(readPreferences())

window.addEventListener('storage', ({ key }) => {
  if (key === preferencesPlace) current.set(readPreferences())
})

/** Changes some of the preferences, in every tab. */
export function setPreferences(change: Partial<Preferences>): void {
  current.set({ ...current.get(), ...change })
  writeStored(preferencesPlace, current.get())
}

/** Returns what the person chose; the component is drawn again when that changes. */
export function usePreferences(): Preferences {
  return current.useValue()
}

/** Returns the language that is shown. */
export function shownLanguage(preferences: Preferences = current.get()): 'en' | 'zh' {
  return languageOf(preferences)
}
