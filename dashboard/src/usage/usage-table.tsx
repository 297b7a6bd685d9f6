import { ActionIcon, Group, Stack, Table, Text } from '@mantine/core'
import { IconFilter } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { currencyOf, useCapabilities } from '../api/capabilities.ts'
import { itemsOf } from '../api/pages.ts'
import { TextLink } from '../parts/links.tsx'
import { MoreButton, Pending } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useNovelTitles } from '../queries/novel-queries.ts'
import { useTask } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { type SumsOf, type UsageFilter, type UsageSum, useDayName, useSums } from './usage-queries.ts'

/** Sums as a table: by model, novel, task or day. */
export function UsageTable({ filter, by }: { filter: UsageFilter; by: SumsOf }) {
  const t = useTranslations()
  const sums = useSums(filter, by)
  if (sums.error !== null || sums.data === undefined)
    return <Pending error={sums.error} onRetry={sums.refetch} lines={4} />
  return (
    <Stack gap="sm">
      <Table verticalSpacing="xs" striped data-sums={by}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{t(`usage.kinds.${by}`)}</Table.Th>
            <Table.Th scope="col" ta="right" className="whole">
              {t('usage.calls')}
            </Table.Th>
            <Table.Th scope="col" ta="right" className="whole">
              {t('usage.tokens')}
            </Table.Th>
            <Table.Th scope="col" ta="right" className="whole">
              {t('usage.cost')}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {itemsOf(sums.data).map(sum => (
            <Row key={sum.key} sum={sum} by={by} />
          ))}
        </Table.Tbody>
      </Table>
      {by === 'task' && (
        <Text size="sm" c="dimmed">
          {t('usage.byTask')}
        </Text>
      )}
      {sums.hasNextPage && (
        <MoreButton w="fit-content" isBusy={sums.isFetchingNextPage} onMore={sums.fetchNextPage} />
      )}
    </Stack>
  )
}

function Row({ sum, by }: { sum: UsageSum; by: SumsOf }) {
  const t = useTranslations('usage')
  const writing = useWriting()
  const { data: capabilities } = useCapabilities()
  const { key, calls, inputTokens, cachedInputTokens, outputTokens, cost, unpricedCalls } = sum
  return (
    <Table.Tr>
      <Table.Th scope="row" fw={400}>
        <Name by={by} name={key} />
      </Table.Th>
      <Table.Td ta="right" className="numbers whole">
        {writing.number(calls)}
      </Table.Td>
      <Table.Td ta="right" className="numbers whole">
        {writing.number(inputTokens + outputTokens)}
        <Text size="xs" c="dimmed" visibleFrom="sm">
          {t('inAndOut', { input: inputTokens, cached: cachedInputTokens, output: outputTokens })}
        </Text>
      </Table.Td>
      <Table.Td ta="right" className="numbers whole">
        {cost === undefined ? t('unknown') : writing.money(cost, currencyOf(capabilities))}
        {unpricedCalls > 0 && cost !== undefined && (
          <Text size="xs" c="dimmed">
            {t('without', { count: unpricedCalls })}
          </Text>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Name({ by, name }: { by: SumsOf; name: string }) {
  const dayName = useDayName()
  if (by === 'day') return dayName(name)
  if (by === 'subject') return <NovelName novelId={name} />
  if (by === 'task') return <TaskName taskId={name} />
  return name
}

function NovelName({ novelId }: { novelId: string }) {
  const t = useTranslations('usage')
  const titles = useNovelTitles()
  const navigate = useNavigate({ from: '/usage' })
  const title = titles.get(novelId)
  if (novelId === '') return t('noNovel')
  if (title === undefined) return t('novelNotFound')
  return (
    <Group gap="xs" wrap="nowrap">
      <TextLink to="/novels/$novelId" params={{ novelId }} inherit>
        {title}
      </TextLink>
      <ActionIcon
        variant="subtle"
        size="sm"
        aria-label={t('onlyThis', { title })}
        title={t('onlyThis', { title })}
        onClick={() => void navigate({ search: search => ({ ...search, novel: novelId }) })}
      >
        <IconFilter size={16} aria-hidden />
      </ActionIcon>
    </Group>
  )
}

/** Sums outlive their tasks. */
function TaskName({ taskId }: { taskId: string }) {
  const t = useTranslations('usage')
  const typeName = useTaskTypeName()
  const writing = useWriting()
  const { data, error } = useTask(taskId)
  if (error !== null) return t('taskNotFound')
  return (
    <>
      <TextLink to="/tasks/$taskId" params={{ taskId }} inherit>
        {data === undefined ? t('task') : typeName(data.taskType)}
      </TextLink>
      <Text size="xs" c="dimmed">
        {data !== undefined && writing.dateTime(data.timestamps.createdAt)}
      </Text>
    </>
  )
}
