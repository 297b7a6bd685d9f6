import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import { RecordDialog } from '../parts/record-dialog.tsx'
import { ThreadFieldsForm } from './thread-fields.tsx'
import {
  readThread,
  type Thread,
  type ThreadFields,
  useDeleteThread,
  useSaveThread,
} from './thread-queries.ts'

interface ThreadDialogProps {
  novelId: string
  /** Undefined: a new one. */
  thread: Thread | undefined
  onClose: () => void
}

const blank: ThreadFields = { title: '', plan: '', note: '', plantBy: '', resolveBy: '', events: [] }

function fieldsOf(thread: Thread | undefined): ThreadFields {
  if (thread === undefined) return blank
  const { title, plan, note, plantBy, resolveBy, events } = thread
  const written = events.map(({ scene, kind, quotation }) => ({ scene, kind, quotation }))
  return { title, plan, note, plantBy, resolveBy, events: written }
}

/** Writes a thread, or another version of the one that the person opened. */
export function ThreadDialog({ novelId, thread, onClose }: ThreadDialogProps) {
  const t = useTranslations('threads')
  const [seen, setSeen] = useState(thread)
  return (
    <RecordDialog<Thread, ThreadFields>
      texts="threads.thread"
      seen={seen}
      onSeen={setSeen}
      start={fieldsOf(thread)}
      fieldsOf={fieldsOf}
      nameOf={({ title }) => title}
      labelOf={field => (field === 'events' ? t('events.title') : t(`fields.${field}`))}
      isWhole={({ events }) =>
        events.every(({ scene, quotation }) => scene !== '' && quotation.trim() !== '')
      }
      save={useSaveThread(novelId, seen)}
      remove={useDeleteThread(novelId)}
      read={readThread}
      errorText={error => (codeOf(error) === 'QUOTATION_NOT_FOUND' ? t('thread.notQuoted') : undefined)}
      onClose={onClose}
    >
      {props => <ThreadFieldsForm {...props} novelId={novelId} />}
    </RecordDialog>
  )
}
