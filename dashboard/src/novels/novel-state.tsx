import { Button, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconListSearch, IconSparkles } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { useWishKey } from '../queries/wish-key.ts'
import { useWriting } from '../text/format.ts'
import { useLiveTasks } from './live-tasks.ts'
import { MakeIndex } from './make-index.tsx'
import type { NovelOutline } from './novel.ts'
import { SummariseNovel } from './summarise-novel.tsx'

/** How far summaries and search are, and what can be done about it. */
export function NovelState({ novel }: { novel: NovelOutline }) {
  const working = useLiveTasks(novel.id)
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Summaries novel={novel} working={working} />
      <SearchIndex novel={novel} working={working} />
    </SimpleGrid>
  )
}

interface StateProps {
  novel: NovelOutline
  working: readonly Task[]
}

const summarises = new Set(['ImportNovel', 'BatchGenerateSummary'])
const indexes = new Set(['ImportNovel', 'Vectorize'])

function Summaries({ novel, working }: StateProps) {
  const t = useTranslations('novels.summaries')
  const [isAsking, asking] = useDisclosure()
  const wishKey = useWishKey()
  const { summaries, scenes } = novel
  const isBusy = working.some(({ taskType }) => summarises.has(taskType))
  const missing = scenes - summaries
  return (
    <StateCard title={t('title')}>
      <Text>{t('state', { done: summaries, total: scenes })}</Text>
      <Progress value={scenes === 0 ? 0 : (summaries / scenes) * 100} aria-label={t('title')} size="sm" />
      {isBusy ? (
        <Text size="sm" c="dimmed">
          {t('busy')}
        </Text>
      ) : (
        missing > 0 && (
          <Action icon={<IconSparkles size={16} aria-hidden />} onClick={asking.open}>
            {t('make', { count: missing })}
          </Action>
        )
      )}
      {isAsking && (
        <SummariseNovel novelId={novel.id} missing={missing} wishKey={wishKey} onClose={asking.close} />
      )}
    </StateCard>
  )
}

function SearchIndex({ novel, working }: StateProps) {
  const t = useTranslations('novels.index')
  const writing = useWriting()
  const [isAsking, asking] = useDisclosure()
  const { kind, building, passages, outOfDateScenes, vectors, builtAt } = novel.index
  const isBusy = building || working.some(({ taskType }) => indexes.has(taskType))
  const canImprove = !isBusy && (kind === 'none' || outOfDateScenes > 0)
  return (
    <StateCard title={t('title')}>
      <Text>{t(kind, { model: vectors?.model ?? '' })}</Text>
      <Text size="sm" c="dimmed" className="numbers">
        {t('passages', { count: passages })}
        {builtAt !== undefined && ` · ${t('builtAt', { time: writing.dateTime(builtAt) })}`}
      </Text>
      {outOfDateScenes > 0 && <Text size="sm">{t('outOfDate', { count: outOfDateScenes })}</Text>}
      {isBusy && (
        <Text size="sm" c="dimmed">
          {t('busy')}
        </Text>
      )}
      {canImprove && (
        <Action icon={<IconListSearch size={16} aria-hidden />} onClick={asking.open}>
          {kind === 'none' ? t('make') : t('renew')}
        </Action>
      )}
      {isAsking && <MakeIndex novelId={novel.id} onClose={asking.close} />}
    </StateCard>
  )
}

function StateCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack gap="xs">
        <Title order={2}>{title}</Title>
        {children}
      </Stack>
    </Paper>
  )
}

function Action({ icon, onClick, children }: { icon: ReactNode; onClick: () => void; children: ReactNode }) {
  return (
    <Group>
      <Button variant="light" size="xs" leftSection={icon} onClick={onClick}>
        {children}
      </Button>
    </Group>
  )
}
