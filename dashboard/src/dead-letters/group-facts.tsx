import { Group, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { Ago } from '../parts/ago.tsx'
import { useTaskTypeName } from '../parts/task-type.ts'
import type { LetterGroup } from './letter-queries.ts'

/** What kind of task it is, how many failed so, since when, and under which code. */
export function GroupFacts({ group }: { group: LetterGroup }) {
  const t = useTranslations('deadLetters')
  const nameOf = useTaskTypeName()
  const { taskType, count, firstAt, lastAt, code } = group
  return (
    <Group gap="md" component="span">
      <span>{nameOf(taskType)}</span>
      <Text span inherit fw={600} c="var(--mantine-color-text)" className="numbers">
        {t('tasks', { count })}
      </Text>
      <span>
        {t.rich(count === 1 ? 'failedOnce' : 'failedSince', {
          first: () => <Ago key="first" at={firstAt} />,
          last: () => <Ago key="last" at={lastAt} />,
        })}
      </span>
      <span>{code}</span>
    </Group>
  )
}
