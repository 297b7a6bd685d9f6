import { useCapabilities } from '../../api/capabilities.ts'
import { send } from './queue.ts'

/** Queues files to be sent, within what the server takes. */
export function useSend(): (files: readonly File[]) => void {
  const { data } = useCapabilities()
  return files => send(files, data?.limits['uploadBytes'])
}
