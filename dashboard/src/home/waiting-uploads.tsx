import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Ago } from '../parts/ago.tsx'
import { DiscardUpload } from '../parts/discard-upload.tsx'
import { ButtonLink } from '../parts/links.tsx'
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
