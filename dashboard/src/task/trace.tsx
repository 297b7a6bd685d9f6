import { Anchor, Box, Group, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { TextLink } from '../parts/links.tsx'
import { type Trace, useTrace } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import classes from './timeline.module.css'

/** What an attempt did: the calls of models with what they cost, its log, and where its error was thrown. */
export function AttemptTrace({ taskId, attempt }: { taskId: string; attempt: number }) {
  const t = useTranslations('task.trace')
  const { data } = useTrace(taskId)
  const calls = data?.calls.filter(call => call.attempt === attempt) ?? []
  const stack = data?.stacks.find(each => each.attempt === attempt)?.stack
  return (
    <>
      {calls.length > 0 && <Calls calls={calls} />}
      <Group gap="md">
        <TextLink
          to="/tasks/$taskId"
          params={{ taskId }}
          search={{ part: 'log', attempt }}
          resetScroll={false}
          size="xs"
        >
          {t('log')}
        </TextLink>
        {stack !== undefined && <Stack stack={stack} />}
      </Group>
    </>
  )
}

/** Opens where the error was thrown. It is text, whatever stands in it. */
function Stack({ stack }: { stack: string }) {
  const t = useTranslations('task.trace')
  const [isOpen, { toggle }] = useDisclosure()
  return (
    <>
      <Anchor component="button" type="button" size="xs" aria-expanded={isOpen} onClick={toggle}>
        {t(isOpen ? 'hideStack' : 'stack')}
      </Anchor>
      {isOpen && (
        <Box
          component="pre"
          className={classes['stack']}
          lang="en"
          // A box that scrolls has to be reached by keyboard (WCAG 2.1.1).
          tabIndex={0}
        >
          {stack}
        </Box>
      )}
    </>
  )
}

type Call = Trace['calls'][number]

/** Calls that are shown one by one; of more, the sum alone. */
const mostShown = 12

function Calls({ calls }: { calls: readonly Call[] }) {
  const t = useTranslations('task.trace')
  const writing = useWriting()
  const currency = useCurrency()
  const isPriced = calls.every(({ cost }) => cost !== undefined)
  const cost = calls.reduce((sum, call) => sum + (call.cost ?? 0), 0)
  const of = (call: Call) =>
    t('tokens', { in: call.inputTokens, out: call.outputTokens }) +
    (call.cost === undefined ? '' : ` · ${writing.money(call.cost, currency)}`)
  return (
    <Box className={classes['calls'] ?? ''}>
      <Text size="xs" className="numbers">
        {t('calls', { count: calls.length })}
        {isPriced && ` · ${writing.money(cost, currency)}`}
      </Text>
      {calls.length <= mostShown && (
        <ul>
          {calls.map(call => (
            <Text
              key={`${call.at} ${call.inputTokens} ${call.outputTokens}`}
              size="xs"
              c="dimmed"
              component="li"
            >
              <time dateTime={call.at}>{writing.dateTime(call.at)}</time> · {call.model} · {of(call)}
            </Text>
          ))}
        </ul>
      )}
    </Box>
  )
}

/** The steps of the task that need not be done again. */
export function Steps({ taskId }: { taskId: string }) {
  const t = useTranslations('task.trace')
  const { data } = useTrace(taskId)
  if (data === undefined || data.steps.length === 0) return null
  return (
    <Box>
      <Text size="sm">{t('steps', { count: data.steps.length })}</Text>
      <ul className={classes['steps']}>
        {data.steps.map(step => (
          <Text key={step} size="xs" c="dimmed" component="li" ff="monospace">
            {step}
          </Text>
        ))}
      </ul>
    </Box>
  )
}
