import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { Task } from '../api/task.ts'
import { BulkActionDialog } from '../parts/bulk-dialog.tsx'
import { Page } from '../parts/page.tsx'
import { NovelTitles } from '../parts/task-name.tsx'
import { EditDialog } from './edit-dialog.tsx'
import { GroupView } from './group-view.tsx'
import { Groups } from './groups.tsx'
import { Inspector } from './inspector.tsx'
import { BulkDialog, PurgeDialog } from './letter-dialogs.tsx'
import type { AskedBulk } from './letter-queries.ts'

/** The tasks that need a person: equal failures as one, then the tasks of one of them. */
export function DeadLettersPage() {
  const { fingerprint, task: inspected, ...others } = useSearch({ from: '/dead-letters' })
  const navigate = useNavigate()
  const [bulk, setBulk] = useState<AskedBulk>()
  const [edited, setEdited] = useState<Task>()
  const [purged, setPurged] = useState<Task>()
  const place = fingerprint === undefined ? others : { ...others, fingerprint }
  const inspect = (task: string | undefined) =>
    navigate({
      to: '/dead-letters',
      search: task === undefined ? place : { ...place, task },
      resetScroll: false,
    })
  const actions = { onBulk: setBulk, onEdit: setEdited, onPurge: setPurged, onInspect: inspect }
  return (
    <NovelTitles tasks={[edited, purged].filter(task => task !== undefined)}>
      <Page>
        {fingerprint === undefined ? (
          <Groups {...others} actions={actions} />
        ) : (
          <GroupView fingerprint={fingerprint} actions={actions} />
        )}
      </Page>
      {inspected !== undefined && (
        <Inspector taskId={inspected} actions={actions} onClose={() => inspect(undefined)} />
      )}
      {bulk && bulk.count === 1 && <BulkDialog {...bulk} onClose={() => setBulk(undefined)} />}
      {bulk && bulk.count > 1 && (
        <BulkActionDialog
          selection={{ action: bulk.action, among: 'deadLetters', filter: bulk.filter }}
          subject={bulk.subject}
          onClose={() => setBulk(undefined)}
        />
      )}
      {purged && <PurgeDialog task={purged} onClose={() => setPurged(undefined)} />}
      {edited && <EditDialog task={edited} onClose={() => setEdited(undefined)} />}
    </NovelTitles>
  )
}
