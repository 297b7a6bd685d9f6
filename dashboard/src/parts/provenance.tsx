import { Badge, Group, Text } from '@mantine/core'
import {
  IconAlertTriangle,
  IconBook2,
  IconFeather,
  IconHistory,
  IconQuote,
  IconSparkles,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { TextLink } from './links.tsx'
import { Ago } from './time.tsx'

type Writer = components['schemas']['Writer']

/** What is known of where a text or a summary comes from: `Summary`, `TextOrigin` and entries of the history all fit. */
export interface Origin {
  method: components['schemas']['Provenance']['method']
  model?: string
  accepted?: components['schemas']['Provenance']['accepted']
  restored?: components['schemas']['Provenance']['restored']
  writtenBy?: Writer
  writtenAt?: string
}

const icons = { imported: IconBook2, extractive: IconQuote, generative: IconSparkles, person: IconFeather }

/**
 * Says in plain words how a text came about: read from a file, picked from the text, written by which model in which attempt of
 * which task, or by the person; and whether it was put back from the history. `isOutOfDate`: the text changed since a summary was made.
 */
export function Provenance({ origin, isOutOfDate = false }: { origin: Origin; isOutOfDate?: boolean }) {
  const t = useTranslations('novels.origin')
  const Icon = icons[origin.method]
  return (
    <Group gap="xs" data-origin={origin.method}>
      <Line icon={<Icon size={14} aria-hidden />}>
        <Words origin={origin} />
        {origin.writtenAt !== undefined && (
          <>
            {' · '}
            <Ago at={origin.restored?.writtenAt ?? origin.accepted?.writtenAt ?? origin.writtenAt} />
          </>
        )}
      </Line>
      {origin.accepted?.merged === true && (
        <Line icon={<IconFeather size={14} aria-hidden />}>{t('merged')}</Line>
      )}
      {origin.restored !== undefined && <Restored at={origin.writtenAt} />}
      {isOutOfDate && (
        <Badge variant="default" leftSection={<IconAlertTriangle size={12} aria-hidden />}>
          {t('outOfDate')}
        </Badge>
      )}
    </Group>
  )
}

/** How it came about, in the words of its kind. What was put back was written by who wrote it first. */
function Words({ origin: { method, model, accepted, restored, writtenBy } }: { origin: Origin }) {
  const t = useTranslations('novels.origin')
  const writer = restored === undefined ? (accepted?.writtenBy ?? writtenBy) : restored.writtenBy
  if (method === 'imported' || method === 'person') return t(method)
  const attempt = writer !== undefined && 'taskId' in writer ? writer : undefined
  const given = {
    model: model ?? t('someModel'),
    attempt: attempt?.attempt ?? 0,
    task: (words: ReactNode) => <TaskLink attempt={attempt}>{words}</TaskLink>,
  }
  if (method === 'extractive') return t.rich(attempt ? 'extractiveBy' : 'extractive', given)
  return t.rich(attempt ? 'generativeBy' : 'generative', given)
}

function TaskLink({ attempt, children }: { attempt: { taskId: string } | undefined; children: ReactNode }) {
  if (attempt === undefined) return children
  return (
    <TextLink to="/tasks/$taskId" params={{ taskId: attempt.taskId }} inherit underline="always">
      {children}
    </TextLink>
  )
}

function Restored({ at }: { at: string | undefined }) {
  const t = useTranslations('novels.origin')
  return (
    <Line icon={<IconHistory size={14} aria-hidden />}>
      {t('restored')}
      {at !== undefined && (
        <>
          {' · '}
          <Ago at={at} />
        </>
      )}
    </Line>
  )
}

function Line({ icon, children }: { icon: ReactNode; children: ReactNode }) {
  return (
    <Group gap={6} wrap="nowrap" align="baseline">
      {icon}
      <Text size="xs" c="dimmed">
        {children}
      </Text>
    </Group>
  )
}
