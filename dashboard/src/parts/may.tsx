import { Alert, Fieldset } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { type Need, roleFor, useMay, useMayAct, useMe } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { Loading } from './states.tsx'

interface MayProps {
  need: Need
  children: ReactNode
}

/** Shows what is in it to those alone who may do it. */
export function May({ need, children }: MayProps) {
  return useMay(need) ? children : null
}

/** Shows what is in it to those alone who may act on the task. */
export function MayAct({ task, children }: { task: Task; children: ReactNode }) {
  return useMayAct()(task) ? children : null
}

/** Fields that are for reading alone where the person may not write. */
export function FieldsOfWriters({ children }: { children: ReactNode }) {
  return (
    <Fieldset variant="unstyled" m={0} miw={0} disabled={!useMay('write')}>
      {children}
    </Fieldset>
  )
}

/** A page for those alone who may do it; the others are told which role it needs. */
export function PageFor({ need, children }: MayProps) {
  const me = useMe()
  if (useMay(need)) return children
  return me.data === undefined ? <Loading lines={4} /> : <NeedsRole need={need} />
}

/** In place of what the person may not do: which role it needs (or `title`, which says it), and which one they have. */
export function NeedsRole({ need, title }: { need: Need; title?: string }) {
  const t = useTranslations('roles')
  const { data } = useMe()
  if (data === undefined) return null
  return (
    <Alert
      color="gray"
      icon={<IconLock aria-hidden />}
      title={title ?? t('needed', { role: t(roleFor[need]) })}
      data-needs={need}
    >
      {t('yours', { name: data.name, role: t(data.role) })}
    </Alert>
  )
}
