import { Button, Group, Stack, Text } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { forgetNovel } from '../browser/state.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { usePutBack } from '../parts/put-back.ts'
import { Ago } from '../parts/time.tsx'

type BinnedNovel = components['schemas']['BinnedNovel']

/** The novels that were deleted: to be put back, or to be deleted for good. */
export function BinDialog({ items, onClose }: { items: readonly BinnedNovel[]; onClose: () => void }) {
  const t = useTranslations('home.bin')
  return (
    <Dialog size="lg" title={t('title')} onClose={onClose}>
      <Stack>
        <Text size="sm">{t('text')}</Text>
        {items.length === 0 && <Text c="dimmed">{t('empty')}</Text>}
        {items.map(novel => (
          <Binned key={novel.id} novel={novel} />
        ))}
      </Stack>
    </Dialog>
  )
}

function Binned({ novel }: { novel: BinnedNovel }) {
  const t = useTranslations()
  const putBack = usePutBack()
  const [isAsked, setIsAsked] = useState(false)
  const { id, title, author, language, words, chapters, binnedAt } = novel
  return (
    <Stack gap="xs" data-binned={id}>
      <Text fw={600} lang={language}>
        {title}
      </Text>
      <Text size="sm" c="dimmed">
        {author !== undefined && `${author} · `}
        {t('units.words', { count: words })} · {t('units.chapters', { count: chapters })} ·{' '}
        {t.rich('home.bin.deleted', { ago: () => <Ago at={binnedAt} /> })}
      </Text>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          loading={putBack.isPending}
          onClick={() => putBack.mutate(novel)}
        >
          {t('home.bin.restore')}
        </Button>
        <Button size="xs" variant="subtle" color="red" onClick={() => setIsAsked(true)}>
          {t('home.bin.discard')}
        </Button>
      </Group>
      {isAsked && <ForGood novel={novel} onClose={() => setIsAsked(false)} />}
    </Stack>
  )
}

/** Asks before a novel is deleted for good, says what is lost, and has the title typed. */
function ForGood({ novel, onClose }: { novel: BinnedNovel; onClose: () => void }) {
  const t = useTranslations('home.bin')
  const { mutate, isPending } = useDiscard(novel)
  const { chapters, scenes, words } = novel
  const title = novel.title.trim()
  return (
    <Confirm
      title={t('discardTitle')}
      action={t('discard')}
      isDangerous
      isBusy={isPending}
      typed={{ text: title, label: t('typed', { title }) }}
      onConfirm={mutate}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>{t('discardText', { chapters, scenes, words })}</Text>
        <Text c="dimmed" size="sm">
          {t('kept')}
        </Text>
      </Stack>
    </Confirm>
  )
}

/** Deletes a novel of the bin for good; the page of the task says when all of it is gone, and how much that was. */
function useDiscard({ id: novelId, title }: BinnedNovel) {
  const t = useTranslations('home.bin')
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: () => dataOf(api.DELETE('/v1/bin/{novelId}', { params: { path: { novelId } } })),
    onError: useNotifyError(),
    async onSuccess({ id: taskId }) {
      forgetNovel(novelId)
      notifyDone(t('gone', { title }))
      await navigate({ to: '/tasks/$taskId', params: { taskId } })
      void queries.invalidateQueries({ queryKey: keys.novels })
    },
  })
}
