import { Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { Confirm } from './confirm.tsx'

/** Asks before something that was typed and not saved is left behind. Answers the question, to be rendered where the typing is. */
export function useUnsaved(isUnsaved: boolean): ReactNode {
  const t = useTranslations('parts.unsaved')
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isUnsaved && current.pathname !== next.pathname,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  return (
    <Confirm
      title={t('title')}
      action={t('leave')}
      isDangerous
      onConfirm={blocker.proceed}
      onClose={blocker.reset}
    >
      <Text>{t('text')}</Text>
    </Confirm>
  )
}
