import { notifications, useNotifications } from '@mantine/notifications'
import { Suspense, useState } from 'react'
import { lazyPart } from '../browser/lazy-part.ts'
import { useErrorText } from './states.tsx'

/** Says in a corner of the page what was done. */
export function notifyDone(message: string): void {
  notifications.show({ message, color: 'green', autoClose: 4_000 })
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
