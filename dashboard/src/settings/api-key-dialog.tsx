import { Button, Code, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { type Role, roleFor, useMe } from '../api/me.ts'
import { Dialog } from '../parts/dialog.tsx'
import { CopyThis } from '../parts/export-text.tsx'
import { DialogForm } from '../parts/form.tsx'
import { useMakeApiKey } from './api-key-queries.ts'

const roles: readonly Role[] = Object.values(roleFor)
const scopes = ['own', 'all'] as const

/** Days after which a key ends; 0: it has no end. */
const ends = [0, 7, 30, 90, 365]
const dayMs = 86_400_000

/** Makes an API key, and shows its secret once. */
export function ApiKeyDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations('settings.keyForm')
  const make = useMakeApiKey()
  const { data: made } = make
  return (
    <Dialog title={made === undefined ? t('title') : t('madeTitle', { name: made.name })} onClose={onClose}>
      {made === undefined ? (
        <KeyForm make={make} />
      ) : (
        <Stack data-made={made.id}>
          <Text size="sm">{t('once')}</Text>
          <Code
            block
            tabIndex={0}
            aria-label={t('secret')}
            style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}
          >
            {made.secret}
          </Code>
          <Group justify="space-between">
            <CopyThis text={made.secret} />
            <Button onClick={onClose}>{t('close')}</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  )
}

function KeyForm({ make }: { make: ReturnType<typeof useMakeApiKey> }) {
  const t = useTranslations('settings.keyForm')
  const key = useTranslations('settings.keys')
  const roleNames = useTranslations('roles')
  const { data: me } = useMe()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('author')
  const [userId, setUserId] = useState(me?.userId ?? '')
  const [chosen, setChosen] = useState<(typeof scopes)[number]>()
  const [days, setDays] = useState(0)
  // An admin sees all; the others see as much as their role is for, unless somebody says otherwise.
  const usual = role === 'operator' || role === 'admin' ? 'all' : 'own'
  const sees = role === 'admin' ? 'all' : (chosen ?? usual)
  const submit = () =>
    make.mutate({
      name: name.trim(),
      role,
      userId: userId.trim(),
      sees,
      ...(days > 0 && { expiresAt: new Date(Date.now() + days * dayMs).toISOString() }),
    })
  return (
    <DialogForm
      onSubmit={submit}
      error={make.error}
      action={t('make')}
      isBusy={make.isPending}
      isDisabled={name.trim() === '' || userId.trim() === ''}
    >
      <TextInput
        label={t('name')}
        description={t('nameHint')}
        required
        maxLength={100}
        data-autofocus
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      <Select
        label={key('role')}
        description={t(`can.${role}`)}
        inputWrapperOrder={['label', 'input', 'description']}
        data={roles.map(value => ({ value, label: roleNames(value) }))}
        value={role}
        onChange={value => setRole(roles.find(each => each === value) ?? role)}
        allowDeselect={false}
      />
      <TextInput
        label={t('user')}
        description={t('userHint')}
        required
        maxLength={200}
        value={userId}
        onChange={({ currentTarget }) => setUserId(currentTarget.value)}
      />
      <Select
        label={key('sees')}
        data={scopes.map(value => ({ value, label: key(`seen.${value}`) }))}
        value={sees}
        onChange={value => setChosen(scopes.find(each => each === value))}
        disabled={role === 'admin'}
        allowDeselect={false}
      />
      <Select
        label={t('ends')}
        data={ends.map(each => ({ value: String(each), label: t('after', { days: each }) }))}
        value={String(days)}
        onChange={value => setDays(Number(value ?? 0))}
        allowDeselect={false}
      />
    </DialogForm>
  )
}
