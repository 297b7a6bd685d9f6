import { useNotifications } from '@mantine/notifications'
import { Suspense, useState } from 'react'
import { lazyPart } from '../browser/lazy-part.ts'

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
