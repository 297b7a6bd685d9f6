import { Badge, Button, Checkbox, Code, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { CopyButton } from '../parts/export-text.tsx'
import { Facts } from '../parts/facts.tsx'
import { DialogForm } from '../parts/form.tsx'
import { TextLink } from '../parts/links.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { Pending } from '../parts/states.tsx'
import { useWriting } from '../text/format.ts'
import { Section } from './section.tsx'
import { useChangeWebhooks, useWebhooks, type Webhook, type WebhookWithSecret } from './webhook-queries.ts'

const events = ['task.completed', 'task.failed', 'task.cancelled', 'task.dead-lettered'] as const

/** The webhooks: who is told of the ends of tasks, and how the last delivery went. A secret is shown once. */
export function Webhooks() {
  const t = useTranslations('settings.webhooks')
  const { data, error, refetch } = useWebhooks()
  const [isAdding, setIsAdding] = useState(false)
  const [fresh, setFresh] = useState<WebhookWithSecret>()
  return (
    <Section id="webhooks" title={t('title')} text={t('text')}>
      {data === undefined && <Pending error={error} onRetry={refetch} lines={2} />}
      {data?.items.length === 0 && <Text size="sm">{t('none')}</Text>}
      {data?.items.map(webhook => (
        <WebhookCard key={webhook.id} webhook={webhook} onSecret={setFresh} />
      ))}
      <Button
        w="fit-content"
        variant="default"
        leftSection={<IconPlus size={18} aria-hidden />}
        onClick={() => setIsAdding(true)}
      >
        {t('add')}
      </Button>
      {isAdding && <AddWebhook onClose={() => setIsAdding(false)} onAdded={setFresh} />}
      {fresh !== undefined && <ShowSecret webhook={fresh} onClose={() => setFresh(undefined)} />}
    </Section>
  )
}

/** One webhook, and what can be done with it. */
function WebhookCard({
  webhook,
  onSecret,
}: {
  webhook: Webhook
  onSecret: (webhook: WebhookWithSecret) => void
}) {
  const t = useTranslations('settings.webhooks')
  const [asks, setAsks] = useState<'remove' | 'rotate'>()
  const { mutate, isPending } = useChangeWebhooks()
  const onError = useNotifyError()
  const { id, url, description, disabledAt } = webhook
  const isEnabled = disabledAt === undefined
  const close = () => setAsks(undefined)
  const test = () => mutate({ how: 'test', id }, { onError, onSuccess: () => notifyDone(t('tested')) })
  return (
    <Paper withBorder p="md" data-webhook={id}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Title order={3} style={{ overflowWrap: 'anywhere' }}>
            {description ?? url}
          </Title>
          <Badge variant="light" color={isEnabled ? 'ink' : 'gray'}>
            {isEnabled ? t('enabled') : t('disabled')}
          </Badge>
        </Group>
        {webhook.disabledBecause === 'gone' && <Text size="sm">{t('gone')}</Text>}
        <WebhookFacts webhook={webhook} />
        <TextLink to="/tasks" search={{ tag: `webhook:${id}` }} size="sm" w="fit-content">
          {t('deliveries')}
        </TextLink>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={test}>
            {t('test')}
          </Button>
          <Button
            size="xs"
            variant="default"
            onClick={() => mutate({ how: isEnabled ? 'disable' : 'enable', id }, { onError })}
          >
            {isEnabled ? t('disable') : t('enable')}
          </Button>
          <Button size="xs" variant="default" onClick={() => setAsks('rotate')}>
            {t('rotate')}
          </Button>
          <Button size="xs" variant="subtle" color="red" onClick={() => setAsks('remove')}>
            {t('remove')}
          </Button>
        </Group>
        {asks !== undefined && (
          <Confirm
            title={t(`${asks}Title`)}
            action={t(asks)}
            isDangerous={asks === 'remove'}
            isBusy={isPending}
            onClose={close}
            onConfirm={() =>
              mutate(
                { how: asks, id },
                { onError, onSuccess: made => made !== undefined && onSecret(made), onSettled: close },
              )
            }
          >
            {t(`${asks}Text`)}
          </Confirm>
        )}
      </Stack>
    </Paper>
  )
}

function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const t = useTranslations('settings.webhooks')
  const writing = useWriting()
  const { url, events: sent, taskType, lane, userId, lastDeliveryAt, lastStatus, lastError } = webhook
  const filters = [taskType, lane, userId].filter(each => each !== undefined)
  const code = lastError ?? ''
  const outcome = lastStatus === undefined ? t('noAnswer', { code }) : `HTTP ${lastStatus}`
  return (
    <Facts
      facts={[
        [t('url'), url],
        [
          t('events'),
          sent.length < events.length && sent.map(each => t(`eventNames.${keyOf(each)}`)).join(', '),
        ],
        [t('filters'), filters.length > 0 && filters.join(', ')],
        [
          t('last'),
          lastDeliveryAt === undefined ? t('never') : `${outcome} · ${writing.dateTime(lastDeliveryAt)}`,
        ],
      ]}
    />
  )
}

/** Of the words for an event. */
function keyOf(event: Webhook['events'][number]) {
  return event.slice('task.'.length) as 'completed' | 'failed' | 'cancelled' | 'dead-lettered'
}

function AddWebhook({
  onClose,
  onAdded,
}: {
  onClose: () => void
  onAdded: (webhook: WebhookWithSecret) => void
}) {
  const t = useTranslations('settings.webhooks')
  const [url, setUrl] = useState('')
  const [description, setDescription] = useState('')
  const [chosen, setChosen] = useState<string[]>([...events])
  const { mutate, isPending, error } = useChangeWebhooks()
  const wanted = events.filter(each => chosen.includes(each))
  const named = description.trim() === '' ? {} : { description: description.trim() }
  const submit = () =>
    mutate(
      { how: 'add', webhook: { url: url.trim(), events: wanted, ...named } },
      {
        onSuccess(made) {
          onClose()
          if (made !== undefined) onAdded(made)
        },
      },
    )
  return (
    <Dialog title={t('add')} isUnsaved={url !== '' || description !== ''} onClose={onClose}>
      <DialogForm
        onSubmit={submit}
        action={t('addAction')}
        isBusy={isPending}
        isDisabled={url.trim() === '' || wanted.length === 0}
        error={error}
      >
        <TextInput
          label={t('url')}
          description={t('urlHint')}
          required
          maxLength={2_000}
          data-autofocus
          value={url}
          onChange={({ currentTarget }) => setUrl(currentTarget.value)}
        />
        <TextInput
          label={t('description')}
          maxLength={200}
          value={description}
          onChange={({ currentTarget }) => setDescription(currentTarget.value)}
        />
        <Checkbox.Group label={t('events')} value={chosen} onChange={setChosen}>
          <Stack gap="xs" mt="xs">
            {events.map(each => (
              <Checkbox key={each} value={each} label={t(`eventNames.${keyOf(each)}`)} />
            ))}
          </Stack>
        </Checkbox.Group>
      </DialogForm>
    </Dialog>
  )
}

/** The secret, which no other answer has. */
function ShowSecret({ webhook: { secret }, onClose }: { webhook: WebhookWithSecret; onClose: () => void }) {
  const t = useTranslations('settings.webhooks')
  return (
    <Dialog title={t('secretTitle')} onClose={onClose}>
      <Stack>
        <Text size="sm">{t('secretText')}</Text>
        <Group gap="xs" wrap="nowrap">
          <Code
            block
            tabIndex={0}
            aria-label={t('secretTitle')}
            style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
          >
            {secret}
          </Code>
          <CopyButton text={secret} label={t('copy')} />
        </Group>
      </Stack>
    </Dialog>
  )
}
