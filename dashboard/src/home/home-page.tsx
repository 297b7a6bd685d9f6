import { Stack } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/problem.ts'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, Loading } from '../parts/states.tsx'
import { AddNovel } from './add-novel.tsx'
import { ModelNote } from './model-note.tsx'
import { PageDrop } from './page-drop.tsx'
import { SendingList } from './sending/sending-list.tsx'
import { useFinishedSendings } from './sending/use-finished.ts'
import { useShelf, useShelfFollowing } from './shelf.ts'
import { ShelfSection } from './shelf-section.tsx'
import { useUploads } from './uploads.ts'
import { WaitingUploads } from './waiting-uploads.tsx'
import { Welcome } from './welcome.tsx'
import { useWorking } from './working.ts'
import { WorkingSection } from './working-section.tsx'

/** The shelf, what is being worked on, and where to drop a novel. */
export function HomePage() {
  const t = useTranslations('home')
  useFinishedSendings()
  return (
    <Stack gap="xl" maw="75rem" mx="auto">
      <PageTitle title={t('title')} />
      <Content />
      <PageDrop />
    </Stack>
  )
}

function Content() {
  const shelf = useShelf()
  const working = useWorking()
  const uploads = useUploads()
  useShelfFollowing(working.data?.tasks)
  const failed = [shelf, working, uploads].find(({ data, error }) => data === undefined && error !== null)
  if (codeOf(shelf.error) === 'ROUTE_NOT_FOUND') return <NoLibrary />
  if (failed !== undefined) return <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />
  if (shelf.data === undefined || working.data === undefined || uploads.data === undefined)
    return <Loading lines={6} />
  const novels = shelf.data.pages.flatMap(page => page.items)
  const waiting = uploads.data.filter(({ status }) => status === 'uploaded')
  const isEmpty = novels.length === 0 && waiting.length === 0 && working.data.tasks.length === 0
  const subjects = { novels, uploads: uploads.data }
  return (
    <>
      {isEmpty ? <Welcome /> : <AddNovel />}
      <SendingList />
      <WorkingSection working={working.data} {...subjects} />
      <WaitingUploads uploads={waiting} />
      {!isEmpty && <ShelfSection shelf={shelf} working={working.data.tasks} {...subjects} />}
      {!isEmpty && <ModelNote />}
    </>
  )
}

/** A server may run tasks alone, without novels. */
function NoLibrary() {
  const t = useTranslations('home.noLibrary')
  return (
    <Empty title={t('title')} text={t('text')}>
      <ButtonLink to="/tasks" mt="sm">
        {t('tasks')}
      </ButtonLink>
    </Empty>
  )
}
