import { Badge, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { CopyButton } from '../parts/export-text.tsx'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Ago, useNow } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import classes from './task.module.css'

/** Who, when, how long, and by which names a task is known. */
export function Facts({ task }: { task: Task }) {
  const t = useTranslations('task.facts')
  const writing = useWriting()
  const { id, timestamps, userId, attempt, lane, priority, deadline, tags, done, rerunOf } = task
  return (
    <dl className={classes['facts']} aria-label={t('label')}>
      <Fact name={t('created')}>
        <Ago at={timestamps.createdAt} />
      </Fact>
      <Fact name={t('by')}>{userId}</Fact>
      <Length task={task} />
      {timestamps.completedAt !== undefined && (
        <Fact name={t('ended')}>
          <Ago at={timestamps.completedAt} />
        </Fact>
      )}
      <Fact name={t('attempts')}>{writing.number(attempt)}</Fact>
      <Fact name={t('lane')}>{priority === 'high' ? `${lane} · ${t('high')}` : lane}</Fact>
      {deadline !== undefined && !done && (
        <Fact name={t('deadline')}>
          <Ago at={deadline} />
        </Fact>
      )}
      {rerunOf !== undefined && (
        <Fact name={t('rerunOf')}>
          <TextLink to="/tasks/$taskId" params={{ taskId: rerunOf }} ff="monospace" size="xs">
            {rerunOf}
          </TextLink>
        </Fact>
      )}
      {tags.length > 0 && <Tags tags={tags} />}
      <May need="administer">
        <Fact name={t('changes')}>
          <TextLink to="/audit" search={{ target: id }} size="sm">
            {t('inAudit')}
          </TextLink>
        </Fact>
      </May>
      <Fact name={t('id')}>
        <Group gap={4} wrap="nowrap" component="span">
          <Text span inherit ff="monospace" size="xs">
            {id}
          </Text>
          <CopyButton text={id} label={t('copyId')} />
        </Group>
      </Fact>
    </dl>
  )
}

/** One name with what it is. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="numbers">{children}</dd>
    </div>
  )
}

function Tags({ tags }: { tags: readonly string[] }) {
  const t = useTranslations('task.facts')
  return (
    <Fact name={t('tags')}>
      <Group gap={4}>
        {tags.map(tag => (
          <Badge key={tag} variant="default" size="sm" maw="16rem">
            {tag}
          </Badge>
        ))}
      </Group>
    </Fact>
  )
}

/** How long it took, or takes so far. Clocks differ: never less than nothing. */
function Length({ task: { timestamps, done } }: { task: Task }) {
  const t = useTranslations('task.facts')
  const writing = useWriting()
  const now = useNow()
  const { createdAt, startedAt, completedAt } = timestamps
  const from = Date.parse(startedAt ?? createdAt)
  const to = completedAt === undefined ? now : Date.parse(completedAt)
  const name = done ? t('took') : startedAt === undefined ? t('waited') : t('running')
  return <Fact name={name}>{writing.duration(Math.max(0, to - from))}</Fact>
}
