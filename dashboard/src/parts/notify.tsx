import { Button, Group } from '@mantine/core'
import { notifications, useNotifications } from '@mantine/notifications'
import { Suspense, useState } from 'react'
import { lazyPart } from '../browser/lazy-part.ts'
import { useErrorText } from './states.tsx'

/** Says in a corner of the page what was done. */
export function notifyDone(message: string): void {
  notifications.show({ message, color: 'green', autoClose: 4_000 })
}

/** The notice that can be undone; an earlier one goes. */
let undoable: string | undefined

/** The same, with a button that undoes it. Only the last thing can be undone so: an earlier one may have changed since. */
export function notifyUndoable(
  message: string,
  { label, onUndo }: { label: string; onUndo: () => void },
): void {
  if (undoable !== undefined) notifications.hide(undoable)
  const undo = () => {
    notifications.hide(id)
    onUndo()
  }
  const text = (
    <Group justify="space-between" wrap="nowrap">
      <span>{message}</span>
      <Button variant="light" size="compact-sm" flex="none" onClick={undo}>
        {label}
      </Button>
    </Group>
  )
  const id = notifications.show({ message: text, color: 'green', autoClose: 12_000 })
  undoable = id
}

/** Says in a corner of the page that something could not be done, in the words of the server. For `onError` of a mutation. */
export function useNotifyError(): (error: unknown) => void {
  const text = useErrorText()
  return error => {
    notifications.show({ message: text(error), color: 'red', autoClose: 12_000 })
  }
}

/** Comes with the first notice. */
const Notifications = lazyPart(() => import('./notifications.ts'), 'Notifications')

/** The corner of the page in which is said what was done, and what could not be. */
export function Notices() {
  const { notifications } = useNotifications()
  const [isNeeded, setIsNeeded] = useState(false)
  if (notifications.length > 0 && !isNeeded) setIsNeeded(true)
  if (!isNeeded) return null
  return (
    <Suspense>
      <Notifications position="bottom-right" limit={4} />
    </Suspense>
  )
}
