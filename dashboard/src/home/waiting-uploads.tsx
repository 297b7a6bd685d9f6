import { Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { pageAt } from '../api/pages.ts'
import type { Upload } from '../api/send-file.ts'
import { DiscardUpload } from '../parts/discard-upload.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { Ago } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'

/** Uploads that nobody confirms are kept for a day, so those that wait are no older. */
const oldestMs = 86_400_000

/** Reads the uploads that wait to be confirmed, and the newest of those that are being imported. Newest first. */
export function useUploads() {
  return useQuery({
    queryKey: keys.uploads,
    queryFn: ({ signal }) => readUploads(signal),
    refetchOnMount: 'always',
  })
}

async function readUploads(signal: AbortSignal): Promise<Upload[]> {
  const found: Upload[] = []
  let pageToken: string | undefined
  do {
    const query = { pageSize: 200, ...pageAt(pageToken) }
    const page = await dataOf(api.GET('/v1/uploads', { params: { query }, signal }))
    found.push(...page.items)
    pageToken = isWithinADay(found.at(-1)) ? page.nextPageToken : undefined
  } while (pageToken !== undefined)
  return found
}

/** Returns whether an upload is at most a day old. Clocks differ, so an hour is added. */
function isWithinADay(upload: Upload | undefined): boolean {
  return upload !== undefined && Date.now() - Date.parse(upload.createdAt) < oldestMs + 3_600_000
}

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
            aria-label={t('previewNamed', { name: fileName })}
          >
            {t('preview')}
          </ButtonLink>
        </Group>
      </Group>
      {asks && <DiscardUpload upload={upload} onClose={() => setAsks(false)} />}
    </Paper>
  )
}
