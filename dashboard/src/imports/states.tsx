import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { DiscardUpload } from '../parts/discard-upload.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { Empty, ErrorNotice, Loading } from '../parts/states.tsx'

/** While the file is being read, which takes seconds for a long one. */
export function Reading() {
  const t = useTranslations('imports')
  return (
    <Paper withBorder p="xl">
      <Stack>
        <Text>{t('reading')}</Text>
        <Loading lines={6} />
      </Stack>
    </Paper>
  )
}

/** In place of an upload that expired, or was thrown away. */
export function UploadNotFound() {
  const t = useTranslations('imports.notFound')
  return (
    <Empty title={t('title')} text={t('text')}>
      <ButtonLink to="/" mt="sm">
        {t('back')}
      </ButtonLink>
    </Empty>
  )
}

/** In place of an upload that is a novel already, or is becoming one. */
export function AlreadyImported({
  confirmation: { taskId, novelId },
}: {
  confirmation: NonNullable<components['schemas']['Upload']['confirmation']>
}) {
  const t = useTranslations('imports.already')
  return (
    <Empty title={t('title')} text={t('text')}>
      <Group mt="sm" justify="center">
        <ButtonLink to="/novels/$novelId" params={{ novelId }}>
          {t('novel')}
        </ButtonLink>
        <ButtonLink to="/tasks/$taskId" params={{ taskId }} variant="default">
          {t('task')}
        </ButtonLink>
      </Group>
    </Empty>
  )
}

/** In place of a file that cannot be read: why, and a way out. */
export function Unreadable({
  uploadId,
  error,
  onRetry,
}: {
  uploadId: string
  error: unknown
  onRetry: () => void
}) {
  const t = useTranslations('imports')
  return (
    <Stack>
      <ErrorNotice error={error} onRetry={onRetry} />
      <Group>
        <DiscardButton upload={{ id: uploadId, fileName: t('thisFile') }} />
        <ButtonLink to="/" variant="default">
          {t('notFound.back')}
        </ButtonLink>
      </Group>
    </Stack>
  )
}

/** Throws the upload away, and goes back to the shelf. */
export function DiscardButton({
  upload,
}: {
  upload: Pick<components['schemas']['Upload'], 'id' | 'fileName'>
}) {
  const t = useTranslations('imports')
  const navigate = useNavigate()
  const [asks, setAsks] = useState(false)
  return (
    <>
      <Button variant="subtle" color="gray" px="sm" onClick={() => setAsks(true)}>
        {t('discard')}
      </Button>
      {asks && (
        <DiscardUpload
          upload={upload}
          onClose={() => setAsks(false)}
          onDone={() => void navigate({ to: '/' })}
        />
      )}
    </>
  )
}
