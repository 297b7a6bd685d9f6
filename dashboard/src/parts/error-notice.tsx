import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ApiError, codeOf } from '../api/problem.ts'

/** What went wrong, for a person: in the server's own words for authors where it has any. */
export function useErrorText(): (error: unknown) => string {
  const t = useTranslations('errors')
  return error => {
    if (!(error instanceof ApiError)) return t('unexpected')
    if (error.status === 0 && error.code === 'OFFLINE') return t('offline')
    if (error.problem === undefined) return t('unknown')
    return error.problem.authorMessage ?? error.problem.detail
  }
}

/** An error where the answer would be. `onRetry`: what to do when the person wants to try once more. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTranslations()
  const text = useErrorText()
  const problem = error instanceof ApiError ? error.problem : undefined
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlertTriangle aria-hidden />}
      title={t('errors.title')}
      role="alert"
    >
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
            <Button size="xs" variant="light" color="red" onClick={onRetry}>
              {t('actions.retry')}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  )
}
