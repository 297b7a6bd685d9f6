import { Alert, Drawer, List, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ApiError } from '../api/client.ts'
import { type Task, wordsOf } from '../api/task.ts'
import { DeadLetterHistory, DeadLetterNote } from '../parts/dead-letter-note.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { Empty, ErrorNotice, Loading } from '../parts/states.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { Ago } from '../parts/time.tsx'
import { useAttempts } from '../queries/task-queries.ts'
import { LetterButtons } from './letter-buttons.tsx'
import { type LetterActions, useLetter } from './letter-queries.ts'

/** Everything about one task that needs a person, beside the list: what failed and why, what it was given, what was tried. */
export function Inspector({
  taskId,
  actions,
  onClose,
}: {
  taskId: string
  actions: LetterActions
  onClose: () => void
}) {
  const t = useTranslations()
  const nameOf = useTaskTypeName()
  const { data, error, refetch } = useLetter(taskId)
  const isClosed = error instanceof ApiError && error.code === 'DEAD_LETTER_NOT_FOUND'
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={data === undefined ? t('deadLetters.inspect') : nameOf(data.taskType)}
      closeButtonProps={{ 'aria-label': t('actions.close') }}
    >
      {isClosed && (
        <Empty title={t('deadLetters.closedTitle')} text={t('deadLetters.closedText')}>
          <ButtonLink to="/tasks/$taskId" params={{ taskId }}>
            {t('deadLetters.toTask')}
          </ButtonLink>
        </Empty>
      )}
      {error !== null && !isClosed && <ErrorNotice error={error} onRetry={refetch} />}
      {data === undefined && error === null && <Loading lines={6} />}
      {data !== undefined && !isClosed && <Details task={data} actions={actions} onClose={onClose} />}
    </Drawer>
  )
}

function Details({ task, actions, onClose }: { task: Task; actions: LetterActions; onClose: () => void }) {
  const t = useTranslations('deadLetters')
  return (
    <Stack gap="lg">
      <Failure task={task} />
      <LetterButtons task={task} actions={actions} onDone={onClose} />
      <section>
        <Title order={3} mb="xs">
          {t('parameters')}
        </Title>
        <JsonView
          openDepth={4}
          value={task.parameters}
          label={t('parameters')}
          fileName={`${task.id}.json`}
        />
      </section>
      <Attempts taskId={task.id} />
      <TextLink to="/tasks/$taskId" params={{ taskId: task.id }}>
        {t('toTask')}
      </TextLink>
    </Stack>
  )
}

/** What failed in words, why it needs a person, the causes below it, and its code. */
function Failure({ task }: { task: Task }) {
  const t = useTranslations('deadLetters')
  const letter = task.deadLetter
  const error = letter?.error ?? task.errorInfo
  if (error === undefined) return null
  return (
    <Alert color="red" title={wordsOf(error)}>
      <Stack gap="xs">
        {error.authorMessage !== undefined && <Text size="sm">{error.message}</Text>}
        {error.causes !== undefined && error.causes.length > 0 && (
          <List size="sm">
            {error.causes.map(cause => (
              <List.Item key={cause}>{t('cause', { cause })}</List.Item>
            ))}
          </List>
        )}
        {letter !== undefined && <DeadLetterNote letter={letter} />}
        <DeadLetterHistory letters={task.deadLetterHistory ?? []} />
        <Text size="xs">{t('code', { code: error.code })}</Text>
      </Stack>
    </Alert>
  )
}

function Attempts({ taskId }: { taskId: string }) {
  const t = useTranslations('deadLetters')
  const { data = [] } = useAttempts(taskId)
  if (data.length === 0) return null
  return (
    <section>
      <Title order={3} mb="xs">
        {t('tried')}
      </Title>
      <List type="unordered" size="sm" spacing="xs">
        {data.map(({ attempt, endedAt, message, code }) => (
          <List.Item key={attempt}>
            {t('attempt', { attempt })} <Ago at={endedAt} c="dimmed" />
            <Text size="sm">{message ?? code ?? ''}</Text>
          </List.Item>
        ))}
      </List>
    </section>
  )
}
