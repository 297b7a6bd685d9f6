import { Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { roleFor } from '../api/me.ts'
import { itemsOf } from '../api/pages.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Facts } from '../parts/facts.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { ErrorNotice, MoreButton, Pending } from '../parts/states.tsx'
import { useNow } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import { ApiKeyDialog } from './api-key-dialog.tsx'
import { type ApiKey, useApiKeys, useRevokeApiKey } from './api-key-queries.ts'
import { Section } from './section.tsx'

/** The API keys: who has which role, for whom, since when it was used last; to be made and revoked. */
export function ApiKeys() {
  const t = useTranslations('settings.keys')
  const [isMaking, setIsMaking] = useState(false)
  const list = useApiKeys()
  const found = itemsOf(list.data)
  return (
    <Section id="api-keys" title={t('title')} text={t('text')}>
      {list.data === undefined && <Pending error={list.error} onRetry={list.refetch} lines={3} />}
      {list.data !== undefined && found.length === 0 && <Text size="sm">{t('none')}</Text>}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {found.map(key => (
          <KeyCard key={key.id} of={key} />
        ))}
      </SimpleGrid>
      {list.hasNextPage && (
        <MoreButton w="fit-content" isBusy={list.isFetchingNextPage} onMore={list.fetchNextPage} />
      )}
      <Button
        w="fit-content"
        leftSection={<IconPlus size={18} aria-hidden />}
        onClick={() => setIsMaking(true)}
      >
        {t('add')}
      </Button>
      {isMaking && <ApiKeyDialog onClose={() => setIsMaking(false)} />}
    </Section>
  )
}

function KeyCard({ of }: { of: ApiKey }) {
  const t = useTranslations('settings.keys')
  const writing = useWriting()
  const roleName = useRoleName()
  const [isAsked, setIsAsked] = useState(false)
  const end = useEnd(of)
  const { id, name, role, userId, sees, createdAt, lastUsedAt, expiresAt, revokedAt } = of
  return (
    <Paper withBorder p="md" data-key={id} data-end={end}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={3} miw={0} style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Title>
          {end !== undefined && (
            <Badge color="gray" variant="light">
              {t(`states.${end}`)}
            </Badge>
          )}
        </Group>
        <Facts
          facts={[
            [t('role'), roleName(role)],
            [t('user'), userId],
            [t('sees'), t(`seen.${sees}`)],
            [t('created'), writing.dateTime(createdAt)],
            [t('used'), lastUsedAt === undefined ? t('never') : writing.dateTime(lastUsedAt)],
            [t('expires'), expiresAt === undefined ? t('noEnd') : writing.dateTime(expiresAt)],
            [t('revokedAt'), revokedAt !== undefined && writing.dateTime(revokedAt)],
          ]}
        />
        {end === undefined && (
          <Button
            size="xs"
            variant="subtle"
            color="red"
            w="fit-content"
            aria-label={t('revokeOf', { name })}
            onClick={() => setIsAsked(true)}
          >
            {t('revoke')}
          </Button>
        )}
        {isAsked && <Revoke of={of} onClose={() => setIsAsked(false)} />}
      </Stack>
    </Paper>
  )
}

/** Returns how a key ended; undefined of one that holds. */
function useEnd({ revokedAt, expiresAt }: ApiKey): 'revoked' | 'expired' | undefined {
  const now = useNow()
  if (revokedAt !== undefined) return 'revoked'
  return expiresAt !== undefined && Date.parse(expiresAt) <= now ? 'expired' : undefined
}

/** Returns what a role is called; one of a newer server is shown as it is. */
function useRoleName(): (role: string) => string {
  const t = useTranslations('roles')
  return role => {
    const known = Object.values(roleFor).find(each => each === role)
    return known === undefined ? role : t(known)
  }
}

/** Asks before a key is revoked, for it cannot be taken back. */
function Revoke({ of: { id, name }, onClose }: { of: ApiKey; onClose: () => void }) {
  const t = useTranslations('settings.keys')
  const { mutate, isPending, error } = useRevokeApiKey()
  const onSuccess = () => {
    notifyDone(t('revoked', { name }))
    onClose()
  }
  return (
    <Confirm
      title={t('revokeTitle', { name })}
      action={t('revoke')}
      isDangerous
      isBusy={isPending}
      onConfirm={() => mutate(id, { onSuccess })}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text>{t('revokeText')}</Text>
        {error !== null && <ErrorNotice error={error} />}
      </Stack>
    </Confirm>
  )
}
