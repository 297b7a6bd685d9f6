import { notifications } from '@mantine/notifications'
import { useErrorText } from './error-notice.tsx'

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
