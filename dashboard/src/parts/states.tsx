import {
  Alert,
  Button,
  type ButtonProps,
  Center,
  Group,
  Paper,
  Skeleton,
  Stack,
  Text,
  Title,
  VisuallyHidden,
} from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { ApiError, codeOf } from '../api/client.ts'

/** Uneven, as lines of text are. */
const widths = ['96%', '84%', '91%', '72%', '88%', '79%', '94%', '67%']

/** While an answer is on its way: lines (at most eight) where it will stand. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const t = useTranslations('parts')
  return (
    <Stack gap="sm" role="status" data-awaited>
      <VisuallyHidden>{t('loading')}</VisuallyHidden>
      {widths.slice(0, lines).map(width => (
        <Skeleton key={width} height="1.5rem" width={width} aria-hidden />
      ))}
    </Stack>
  )
}

/** Where there is nothing: what would be here, and how it comes here. */
export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <Paper withBorder p="xl">
      <Center>
        <Stack align="center" gap="xs" maw="32rem" ta="center">
          <Title order={2}>{title}</Title>
          <Text c="dimmed">{text}</Text>
          {children}
        </Stack>
      </Center>
    </Paper>
  )
}

/** Returns what went wrong, for a person: in the server's own words for authors where it has any. */
export function useErrorText(): (error: unknown) => string {
  const t = useTranslations('errors')
  const roles = useTranslations('roles')
  return error => {
    if (!(error instanceof ApiError)) return t('unexpected')
    if (error.status === 0 && error.code === 'OFFLINE') return t('offline')
    if (error.problem === undefined) return t('unknown')
    const { neededRole } = error.problem
    if (neededRole !== undefined) return t('forbidden', { role: roles(neededRole) })
    const { authorMessage, detail } = error.problem
    return authorMessage ?? (error.status === 412 ? t('changed') : detail)
  }
}

interface ErrorNoticeProps {
  error: unknown
  /** Asks once more. */
  onRetry?: () => unknown
}

/** An error where the answer would be. */
export function ErrorNotice({ error, onRetry }: ErrorNoticeProps) {
  const t = useTranslations()
  const text = useErrorText()
  const problem = error instanceof ApiError ? error.problem : undefined
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('errors.title')} role="alert">
      <Stack gap="xs">
        <Text>{text(error)}</Text>
        {problem?.errors?.map(({ pointer, detail }) => (
          <Text key={`${pointer} ${detail}`} size="sm">
            {pointer === '' ? detail : `${pointer}: ${detail}`}
          </Text>
        ))}
        <Group justify="space-between">
          <Text size="xs" c="dimmed" className="numbers">
            {t('errors.code', { code: codeOf(error) })}
            {problem === undefined ? '' : ` · ${t('errors.traceId', { traceId: problem.traceId })}`}
          </Text>
          {onRetry && (
            <Button size="xs" variant="light" color="red" onClick={() => onRetry()}>
              {t('actions.retry')}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}

/** In place of an answer that has not come: lines, or why it does not come. */
export function Pending({ lines = 4, ...failure }: ErrorNoticeProps & { lines?: number }) {
  return failure.error === null ? <Loading lines={lines} /> : <ErrorNotice {...failure} />
}

/** Reads the next page of a list. */
export function MoreButton({
  isBusy,
  onMore,
  ...props
}: ButtonProps & { isBusy: boolean; onMore: () => unknown }) {
  const t = useTranslations('actions')
  return (
    <Button variant="default" loading={isBusy} onClick={() => void onMore()} {...props}>
      {t('more')}
    </Button>
  )
}
