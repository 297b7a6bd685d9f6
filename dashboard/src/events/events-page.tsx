import { Alert, Box, Button, Group, Select, SimpleGrid, Stack, Text, VisuallyHidden } from '@mantine/core'
import { useThrottledValue } from '@mantine/hooks'
import { IconArrowUp, IconPlayerPause, IconPlayerPlay, IconPlugConnectedX } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useCapabilities } from '../api/capabilities.ts'
import { useLive } from '../live/live.tsx'
import { mostKept } from '../live/recent-events.ts'
import { FoldedFilters } from '../parts/folded-filters.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { TypedFilter } from '../parts/typed-filter.tsx'
import type { EventsSearch } from '../queries/search.ts'
import { EventTable } from './event-table.tsx'
import { waitingCount } from './event-view.ts'
import { type ShownEvents, useEvents } from './use-events.ts'

/** What happens to tasks, as it happens. */
export function EventsPage() {
  const t = useTranslations('events')
  const search = useSearch({ from: '/events' })
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')} />
      <Filters search={search} />
      <EventList key={JSON.stringify(search)} search={search} />
    </Page>
  )
}

/** Which events are listed. */
function Filters({ search }: { search: EventsSearch }) {
  const t = useTranslations('events')
  const navigate = useNavigate({ from: '/events' })
  const typeName = useTaskTypeName()
  const { data } = useCapabilities()
  const put = (name: keyof EventsSearch, value: string | null) => {
    const { [name]: _before, ...others } = search
    const isGiven = value !== null && value !== ''
    void navigate({ search: isGiven ? { ...others, [name]: value } : others, replace: true })
  }
  const known = data?.taskTypes.map(({ type }) => type) ?? []
  const types = [...new Set([...known, ...(search.type === undefined ? [] : [search.type])])]
  const isUsed = Object.keys(search).length > 0
  return (
    <FoldedFilters onClear={isUsed ? () => void navigate({ search: {}, replace: true }) : undefined}>
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        <Select
          label={t('filters.type')}
          placeholder={t('filters.any')}
          data={types.map(value => ({ value, label: typeName(value) }))}
          value={search.type ?? null}
          clearable
          clearButtonProps={{ 'aria-label': t('clear') }}
          onChange={value => put('type', value)}
        />
        {(['lane', 'task'] as const).map(name => (
          <TypedFilter
            key={name}
            label={t(`filters.${name}`)}
            value={search[name] ?? ''}
            onTyped={value => put(name, value)}
          />
        ))}
      </SimpleGrid>
    </FoldedFilters>
  )
}

function EventList({ search }: { search: EventsSearch }) {
  const t = useTranslations('events')
  const events = useEvents(search)
  const { state } = useLive()
  const isFiltered = Object.keys(search).length > 0
  return (
    <Stack gap="sm">
      {state === 'stale' && (
        <Alert color="yellow" icon={<IconPlugConnectedX aria-hidden />} data-lost>
          {t('lostNow')}
        </Alert>
      )}
      <Held events={events} />
      {events.view.shown.length === 0 ? (
        <Empty
          title={t(isFiltered ? 'noMatchTitle' : 'noneTitle')}
          text={t(isFiltered ? 'noMatchText' : 'noneText')}
        />
      ) : (
        <Box {...events.holding}>
          <EventTable happenings={events.view.shown} />
        </Box>
      )}
    </Stack>
  )
}

/** Milliseconds between two announcements of how many events wait. */
const saidEveryMs = 5_000

/** Whether the list moves, the way to hold it, and how many events wait. */
function Held({ events: { view, isPaused, setIsPaused, showWaiting } }: { events: ShownEvents }) {
  const t = useTranslations('events')
  const count = waitingCount(view)
  const text = t(count >= mostKept ? 'freshMore' : 'fresh', { count })
  const said = useThrottledValue(count === 0 ? '' : text, saidEveryMs)
  const Icon = isPaused ? IconPlayerPlay : IconPlayerPause
  return (
    <Group gap="sm">
      <Button
        variant="default"
        leftSection={<Icon size={16} aria-hidden />}
        onClick={() => setIsPaused(!isPaused)}
      >
        {t(isPaused ? 'resume' : 'pause')}
      </Button>
      {count > 0 && (
        <Button
          radius="xl"
          leftSection={<IconArrowUp size={16} aria-hidden />}
          onClick={() => {
            showWaiting()
            window.scrollTo({ top: 0 })
          }}
        >
          {text}
        </Button>
      )}
      <Text size="sm" c="dimmed">
        {t(isPaused ? 'paused' : count > 0 ? 'held' : 'live')}
      </Text>
      <VisuallyHidden role="status">{said}</VisuallyHidden>
    </Group>
  )
}
