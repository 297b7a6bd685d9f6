import { Button, Group, Stack, Text } from '@mantine/core'
import { IconArrowBackUp, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { unitOf } from '../parts/instructions.ts'
import { useShape } from '../parts/shaping.ts'
import { Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import type { NovelOutline } from './novel.ts'
import { discardUnit, restoreUnit } from './shape.ts'

type BinEntry = components['schemas']['BinEntry']

/** What was deleted of a novel: to be put back, or to be deleted for good. */
export function Bin({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.bin')
  const { data, error, refetch } = useQuery({
    queryKey: keys.bin(novel.id),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/bin', { params: { path: { novelId: novel.id } } })),
    refetchOnMount: 'always',
  })
  return (
    <Dialog size="lg" title={t('title')} onClose={onClose}>
      <Stack>
        <Text size="sm">{t('text')}</Text>
        {data === undefined && <Pending error={error} onRetry={refetch} />}
        {data?.items.length === 0 && <Text c="dimmed">{t('empty')}</Text>}
        {data?.items.map(entry => (
          <Entry key={entry.id} novel={novel} entry={entry} />
        ))}
      </Stack>
    </Dialog>
  )
}

function Entry({ novel, entry }: { novel: NovelOutline; entry: BinEntry }) {
  const t = useTranslations('novels.bin')
  const shape = useShape(novel.id)
  const [isAsked, setIsAsked] = useState(false)
  const { what, scenes, binnedAt } = entry
  const title = entry.title === '' ? t(`untitled.${what}`) : entry.title
  const unit = unitOf(novel.language)
  return (
    <Stack gap="xs" data-binned={entry.id}>
      <Text fw={600}>{title}</Text>
      <Text size="sm" c="dimmed">
        {t(`what.${what}`)} · {t('size', { scenes, count: entry[unit], unit })} ·{' '}
        {t.rich('deleted', { ago: () => <Ago at={binnedAt} /> })}
      </Text>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          loading={shape.isPending}
          onClick={() => shape.mutate(() => restoreUnit(novel.id, { id: entry.id, title }))}
        >
          {t('restore')}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          disabled={shape.isPending}
          onClick={() => setIsAsked(true)}
        >
          {t('discard')}
        </Button>
      </Group>
      {isAsked && (
        <Confirm
          title={t('discardTitle')}
          action={t('discard')}
          isDangerous
          isBusy={shape.isPending}
          onConfirm={() => shape.mutate(() => discardUnit(novel.id, { id: entry.id, title }))}
          onClose={() => setIsAsked(false)}
        >
          <Text>{t('discardText', { title })}</Text>
        </Confirm>
      )}
    </Stack>
  )
}
