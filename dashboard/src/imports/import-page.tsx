import { Stack } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/problem.ts'
import { PageTitle } from '../parts/page-title.tsx'
import { useWriting } from '../text/format.ts'
import { Look } from './look.tsx'
import { AlreadyImported, Reading, Unreadable, UploadGone } from './states.tsx'
import { type Upload, useUpload } from './upload-query.ts'

/** What a file holds, to choose from before it becomes a novel. */
export function ImportPage() {
  const t = useTranslations('imports')
  const { uploadId } = useParams({ from: '/import/$uploadId' })
  const reading = useUpload(uploadId)
  return (
    <Stack gap="lg" maw="80rem" mx="auto">
      <PageTitle title={t('title')} below={<About upload={reading.shown.data} />} />
      <Content key={uploadId} uploadId={uploadId} reading={reading} />
    </Stack>
  )
}

function About({ upload }: { upload: Upload | undefined }) {
  const t = useTranslations('imports')
  const writing = useWriting()
  if (upload === undefined) return null
  return t('about', { name: upload.fileName, size: writing.bytes(upload.bytes) })
}

function Content({ uploadId, reading }: { uploadId: string; reading: ReturnType<typeof useUpload> }) {
  const { data: upload, error, refetch } = reading.shown
  if (error !== null && codeOf(error) === 'UPLOAD_NOT_FOUND') return <UploadGone />
  if (upload?.confirmation !== undefined) return <AlreadyImported confirmation={upload.confirmation} />
  if (upload?.preview !== undefined)
    return <Look upload={upload} preview={upload.preview} reading={reading} />
  if (error !== null) return <Unreadable uploadId={uploadId} error={error} onRetry={() => void refetch()} />
  return <Reading />
}
