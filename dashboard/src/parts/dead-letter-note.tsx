import { Anchor, Collapse, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { useWriting } from '../text/format.ts'

type DeadLetter = NonNullable<Task['deadLetter']>

/** Why a task needs a person, and since when. */
export function DeadLetterNote({ letter: { reason, openedAt, attempt } }: { letter: DeadLetter }) {
  const t = useTranslations('task.letter')
  const writing = useWriting()
  return (
    <Text size="sm">
      {t(`reasons.${reason}`)} {t('since', { time: writing.dateTime(openedAt), attempt })}
    </Text>
  )
}

/** How often it was given up before, and by what; the last ten are kept. */
export function DeadLetterHistory({ letters }: { letters: readonly DeadLetter[] }) {
  const t = useTranslations('task.letter')
  const [isOpen, { toggle }] = useDisclosure()
  if (letters.length === 0) return null
  return (
    <div>
      <Anchor component="button" type="button" size="sm" onClick={toggle} aria-expanded={isOpen}>
        {t('history', { count: letters.length })}
      </Anchor>
      <Collapse expanded={isOpen}>
        <Stack gap="xs" mt="xs">
          {letters.map(letter => (
            <PastLetter key={letter.openedAt} letter={letter} />
          ))}
        </Stack>
      </Collapse>
    </div>
  )
}

function PastLetter({ letter: { attempt, openedAt, closedAt, error } }: { letter: DeadLetter }) {
  const t = useTranslations('task.letter')
  const writing = useWriting()
  return (
    <div>
      <Text size="sm">
        {t('entry', {
          attempt,
          opened: writing.dateTime(openedAt),
          closed: closedAt === undefined ? '' : writing.dateTime(closedAt),
        })}
      </Text>
      <Text size="sm" c="dimmed">
        {wordsOf(error)} ({error.code})
      </Text>
    </div>
  )
}
