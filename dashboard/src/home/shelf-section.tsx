import { Button, Center, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useNotifyError } from '../parts/notify.ts'
import { NovelCard } from './novel-card.tsx'
import type { useShelf } from './shelf.ts'
import { subjectOf } from './working.ts'
import type { Subjects } from './working-section.tsx'

type ShelfSectionProps = Subjects & { shelf: ReturnType<typeof useShelf>; working: readonly Task[] }

/** The novels, newest first, each with what is being done with it. */
export function ShelfSection({ shelf, working, novels, uploads }: ShelfSectionProps) {
  const t = useTranslations()
  const notifyError = useNotifyError()
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = shelf
  const workOn = new Map(working.map(task => [subjectOf(task, novels, uploads).novelId, task]))
  const showMore = async () => {
    const { error } = await fetchNextPage()
    if (error !== null) notifyError(error)
  }
  return (
    <Stack component="section" gap="sm" aria-label={t('home.novels')}>
      <Title order={2}>{t('home.novels')}</Title>
      {novels.length === 0 && <Text c="dimmed">{t('home.noNovelYet')}</Text>}
      <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }}>
        {novels.map(novel => (
          <NovelCard key={novel.id} novel={novel} task={workOn.get(novel.id)} />
        ))}
      </SimpleGrid>
      {hasNextPage && (
        <Center>
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void showMore()}>
            {t('actions.more')}
          </Button>
        </Center>
      )}
    </Stack>
  )
}
