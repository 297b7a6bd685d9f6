import { Button, CloseButton, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ApiError } from '../../api/client.ts'
import { useErrorText } from '../../parts/states.tsx'
import { useWriting } from '../../text/format.ts'
import classes from '../home.module.css'
import { dropSending, type Sending, sendAgain, useSendings } from './queue.ts'

/** The files that are on their way to the server. */
export function SendingList() {
  const t = useTranslations('home.sending')
  const sendings = useSendings().filter(({ state }) => state !== 'sent')
  if (sendings.length === 0) return null
  return (
    <Stack component="section" gap="sm" aria-label={t('title')}>
      <Title order={2}>{t('title')}</Title>
      {sendings.map(sending => (
        <SendingRow key={sending.id} sending={sending} />
      ))}
    </Stack>
  )
}

function SendingRow({ sending }: { sending: Sending }) {
  const t = useTranslations('home.sending')
  const writing = useWriting()
  const { id, file, state } = sending
  const name = file.name
  return (
    <Paper withBorder p="md" data-sending={state}>
      <Group wrap="nowrap" gap="sm" align="flex-start">
        <Stack gap="xs" flex={1} miw={0}>
          <Group justify="space-between" gap="xs">
            <Text fw={600}>{name}</Text>
            <Text size="sm" c="dimmed" className="numbers">
              {writing.bytes(file.size)}
            </Text>
          </Group>
          <SendingState sending={sending} />
        </Stack>
        <CloseButton
          aria-label={
            state === 'failed' || state === 'refused' ? t('dismiss', { name }) : t('cancel', { name })
          }
          onClick={() => dropSending(id)}
        />
      </Group>
    </Paper>
  )
}

function SendingState({ sending }: { sending: Sending }) {
  const t = useTranslations('home.sending')
  const { state } = sending
  if (state === 'waiting')
    return (
      <Text size="sm" c="dimmed">
        {t('waiting')}
      </Text>
    )
  if (state === 'failed') return <Failed sending={sending} />
  if (state === 'refused') return <Refused sending={sending} />
  return <SendingProgress sending={sending} />
}

function SendingProgress({ sending: { file, sentBytes } }: { sending: Sending }) {
  const t = useTranslations('home.sending')
  const writing = useWriting()
  const share = Math.min(1, sentBytes / file.size)
  return (
    <Stack gap={4}>
      <Progress
        value={share * 100}
        aria-label={t('progress', { name: file.name })}
        aria-valuetext={writing.percent(share)}
      />
      <Text size="sm" c="dimmed" className="numbers">
        {share < 1 ? t('sent', { share: writing.percent(share) }) : t('storing')}
      </Text>
    </Stack>
  )
}

function Failed({ sending: { id, error } }: { sending: Sending }) {
  const t = useTranslations()
  const text = useFailureText()
  return (
    <Group justify="space-between" gap="sm" role="alert">
      <Warning text={text(error)} />
      <Button size="xs" variant="light" onClick={() => sendAgain(id)}>
        {t('actions.retry')}
      </Button>
    </Group>
  )
}

function Refused({ sending: { refusal } }: { sending: Sending }) {
  const t = useTranslations('home.sending')
  const writing = useWriting()
  if (refusal === undefined) return null
  const text =
    refusal.kind === 'tooLarge' ? t('tooLarge', { largest: writing.bytes(refusal.largest) }) : t(refusal.kind)
  return (
    <Group role="alert">
      <Warning text={text} />
    </Group>
  )
}

function Warning({ text }: { text: string }) {
  return (
    <Group gap="xs" wrap="nowrap" flex={1} align="flex-start" c="red">
      <IconAlertTriangle size={18} aria-hidden className={classes['icon'] ?? ''} />
      <Text size="sm" c="var(--mantine-color-text)">
        {text}
      </Text>
    </Group>
  )
}

/** Errors of which an author can do something about in words of their own; the rest in those of the server. */
function useFailureText(): (error: unknown) => string {
  const t = useTranslations('home.sending')
  const text = useErrorText()
  return error => {
    const code = error instanceof ApiError ? error.code : ''
    if (code === 'OFFLINE') return t('offline')
    if (code === 'FILE_UNREADABLE') return t('unreadable')
    if (code === 'STORE_FULL') return t('diskFull')
    if (code === 'UPLOAD_TOO_LARGE') return t('tooLargeForServer')
    return text(error)
  }
}
