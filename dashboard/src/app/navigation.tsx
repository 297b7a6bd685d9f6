import { Badge } from '@mantine/core'
import { IconAlertTriangle, IconBooks, IconChartBar, IconListCheck, IconSettings } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { useTaskCounts } from '../api/task-counts.ts'
import { useAttentionCount } from '../dead-letters/attention.ts'
import { EntryLink } from '../parts/links.tsx'
import { useWriting } from '../text/format.ts'

const entries = [
  { to: '/', name: 'shelf', icon: IconBooks },
  { to: '/tasks', name: 'tasks', icon: IconListCheck },
  { to: '/dead-letters', name: 'deadLetters', icon: IconAlertTriangle },
  { to: '/usage', name: 'usage', icon: IconChartBar },
  { to: '/settings', name: 'settings', icon: IconSettings },
] as const

type EntryName = (typeof entries)[number]['name']

/** The places one can go to. `onGo`: a place was chosen. */
export function Navigation({ onGo }: { onGo: () => void }) {
  const t = useTranslations('shell')
  const writing = useWriting()
  const { live } = useTaskCounts()
  const counts: Partial<Record<EntryName, number>> = { tasks: live, deadLetters: useAttentionCount() }
  return entries.map(({ to, name, icon: Icon }) => (
    <EntryLink
      key={to}
      to={to}
      label={t(name)}
      px="calc(var(--mantine-spacing-xs) / 2)"
      onClick={onGo}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      activeProps={{ active: true }}
      leftSection={<Icon size={18} aria-hidden />}
      rightSection={
        (counts[name] ?? 0) > 0 ? (
          <Badge
            size="xs"
            variant="light"
            className="numbers"
            {...(name === 'deadLetters' ? { color: 'red' } : {})}
          >
            {writing.number(counts[name] ?? 0)}
          </Badge>
        ) : undefined
      }
    />
  ))
}
