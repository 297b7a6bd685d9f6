import { useSyncExternalStore } from 'react'

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
const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Preferences>) }
  } catch {
    // Storage that is switched off or filled by somebody else: the defaults are a start.
    return defaults
  }
}

function tellAll(): void {
  for (const listener of listeners) listener()
}

window.addEventListener('storage', ({ key }) => {
  if (key !== place) return
  current = read()
  tellAll()
})

/** Changes some of the preferences, in every tab. */
export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change }
  try {
    localStorage.setItem(place, JSON.stringify(current))
  } catch {
    // They hold for this page then.
  }
  tellAll()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What the person chose; renders again when that changes. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, () => current)
}

/** The language that is shown: the chosen one, else the first of the browser's that there is, else English. */
export function shownLanguage({ language }: Preferences = current): 'en' | 'zh' {
  if (language !== 'auto') return language
  const first = navigator.languages.map(each => each.slice(0, 2).toLowerCase()).find(isShown)
  return first ?? 'en'
}

function isShown(language: string): language is 'en' | 'zh' {
  return language === 'en' || language === 'zh'
}
