import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { codeOf } from '../api/problem.ts'
import { Ago } from '../parts/ago.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { useNotifyError } from '../parts/notify.ts'
import { useWriting } from '../text/format.ts'
import type { Upload } from './sending/send-file.ts'

/** Files that the server has and that nobody has made novels of yet. */
export function WaitingUploads({ uploads }: { uploads: readonly Upload[] }) {
  const t = useTranslations('home.waiting')
  if (uploads.length === 0) return null
  return (
    <Stack component="section" gap="sm" aria-label={t('title')}>
      <Stack gap={2}>
        <Title order={2}>{t('title')}</Title>
        <Text size="sm" c="dimmed">
          {t('text')}
        </Text>
      </Stack>
      {uploads.map(upload => (
        <WaitingUpload key={upload.id} upload={upload} />
      ))}
    </Stack>
  )
}

function WaitingUpload({ upload }: { upload: Upload }) {
  const t = useTranslations('home.waiting')
  const writing = useWriting()
  const [asks, setAsks] = useState(false)
  const { id, fileName, bytes, createdAt } = upload
  return (
    <Paper withBorder p="md" data-upload={id}>
      <Group justify="space-between" gap="sm">
        <Stack gap={2} miw={0} flex="1 1 12rem">
          <Text fw={600}>{fileName}</Text>
          <Text size="sm" c="dimmed">
            {writing.bytes(bytes)} · <Ago at={createdAt} />
          </Text>
        </Stack>
        <Group gap="xs">
          <Button
            variant="subtle"
            color="gray"
            onClick={() => setAsks(true)}
            aria-label={t('discardNamed', { name: fileName })}
          >
            {t('discard')}
          </Button>
          <ButtonLink
            to="/import/$uploadId"
            params={{ uploadId: id }}
            variant="light"
            aria-label={t('lookNamed', { name: fileName })}
          >
            {t('look')}
          </ButtonLink>
        </Group>
      </Group>
      {asks && <DiscardUpload upload={upload} onClose={() => setAsks(false)} />}
    </Paper>
  )
}

/** Throws an upload away once the person has said so. `onDone`: it is gone. */
export function DiscardUpload({
  upload,
  onClose,
  onDone,
}: {
  upload: Pick<Upload, 'id' | 'fileName'>
  onClose: () => void
  onDone?: () => void
}) {
  const t = useTranslations('home.waiting')
  const discard = useDiscard(() => {
    onClose()
    onDone?.()
  })
  return (
    <Confirm
      title={t('discardTitle')}
      action={t('discard')}
      isDangerous
      isBusy={discard.isPending}
      onConfirm={() => discard.mutate(upload.id)}
      onClose={onClose}
    >
      <Text>{t('discardText', { name: upload.fileName })}</Text>
    </Confirm>
  )
}

function useDiscard(onDone: () => void) {
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  return useMutation({
    mutationFn: (uploadId: string) =>
      api.DELETE('/v1/uploads/{uploadId}', { params: { path: { uploadId } } }),
    onError(error) {
      // An answer that was lost, or another tab: it is gone all the same.
      if (codeOf(error) === 'UPLOAD_NOT_FOUND') onDone()
      else notifyError(error)
    },
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.uploads }),
  })
}
