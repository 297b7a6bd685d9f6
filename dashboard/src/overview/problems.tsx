import { Alert, List, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { TextLink } from '../parts/links.tsx'
import { useWriting } from '../text/format.ts'
import type { Problem } from './overview-query.ts'

/** What is wrong right now, the worst first, each with the way to where it can be put right. */
export function Problems({ problems }: { problems: readonly Problem[] }) {
  const t = useTranslations('overview')
  if (problems.length === 0)
    return (
      <Alert color="green" icon={<IconCircleCheck aria-hidden />} title={t('wellTitle')} data-problems={0}>
        {t('wellText')}
      </Alert>
    )
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      title={t('problemsTitle', { count: problems.length })}
      role="region"
      data-problems={problems.length}
    >
      <List spacing="xs">
        {problems.map(problem => (
          <List.Item
            key={`${problem.kind} ${problem.lane ?? ''} ${problem.text ?? ''}`}
            data-problem={problem.kind}
          >
            <ProblemText problem={problem} />
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}

function ProblemText({ problem: { kind, lane = '', count = 0, ms = 0, text } }: { problem: Problem }) {
  const t = useTranslations('overview.problems')
  const writing = useWriting()
  return (
    <>
      <Text span inherit style={{ overflowWrap: 'anywhere' }}>
        {t(kind, { lane, count, time: writing.duration(ms) })} <Way kind={kind} lane={lane} />
      </Text>
      {text !== undefined && (
        <Text size="sm" lang="en" style={{ overflowWrap: 'anywhere' }}>
          {text}
        </Text>
      )}
    </>
  )
}

/** Where to look further; nothing where only the log of the server says more. */
function Way({ kind, lane }: { kind: Problem['kind']; lane: string }) {
  const t = useTranslations('overview')
  if (kind === 'dead-letters')
    return (
      <TextLink to="/dead-letters" inherit c="inherit" td="underline">
        {t('toDeadLetters')}
      </TextLink>
    )
  if (kind === 'lane-waits-long')
    return (
      <TextLink
        to="/tasks"
        search={{ status: ['QUEUED'], ...defined({ lane }) }}
        inherit
        c="inherit"
        td="underline"
      >
        {t('toTasks')}
      </TextLink>
    )
  if (!kind.startsWith('lane-')) return null
  return (
    <TextLink to="/lanes" inherit c="inherit" td="underline">
      {t('toLanes')}
    </TextLink>
  )
}
