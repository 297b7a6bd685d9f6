import { useNavigate } from '@tanstack/react-router'
import { useLayoutEffect, useRef } from 'react'
import { tinykeys } from 'tinykeys'
import { usePreferences } from './preferences.ts'

/** What keys do: names of keys, or several one after the other (`g t`), and what happens. */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>

/** Returns whether the keys belong to something that is being filled in, or to a dialog that lies above the page. */
function isElsewhere({ target, defaultPrevented }: KeyboardEvent): boolean {
  if (defaultPrevented || !(target instanceof HTMLElement)) return true
  return (
    target.isContentEditable ||
    target.closest('input, textarea, select, [role="dialog"], [role="menu"]') !== null
  )
}

/** Lets keys do something while the component is there. Never while something is filled in; not at all where they are switched off. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const { shortcuts: isOn } = usePreferences()
  const newest = useRef(shortcuts)
  // Before the page is seen: who sees it may press a key.
  useLayoutEffect(() => {
    newest.current = shortcuts
  })
  const names = Object.keys(shortcuts).join('\n')
  // Listened to once, however often the page is drawn: who has pressed the first of two keys would lose it otherwise.
  useLayoutEffect(() => {
    if (!isOn || names === '') return
    // A listener for each: one for all would leave the others in the middle of their keys when one of them is complete.
    const endings = names.split('\n').map(keys =>
      tinykeys(window, {
        [keys](event: KeyboardEvent) {
          const act = newest.current[keys]
          if (act === undefined || isElsewhere(event)) return
          event.preventDefault()
          act(event)
        },
      }),
    )
    return () => {
      for (const end of endings) end()
    }
  }, [isOn, names])
}

/** Lets keys lead from page to page. */
export function useNavigationKeys(): void {
  const navigate = useNavigate()
  useShortcuts({
    'g s': () => navigate({ to: '/' }),
    'g o': () => navigate({ to: '/overview' }),
    'g t': () => navigate({ to: '/tasks' }),
    'g d': () => navigate({ to: '/dead-letters' }),
    'g q': () => navigate({ to: '/lanes' }),
    'g c': () => navigate({ to: '/schedules' }),
    'g w': () => navigate({ to: '/workers' }),
    'g v': () => navigate({ to: '/events' }),
    'g a': () => navigate({ to: '/audit' }),
    'g u': () => navigate({ to: '/usage' }),
    'g l': () => navigate({ to: '/limits' }),
    'g e': () => navigate({ to: '/settings' }),
  })
}
