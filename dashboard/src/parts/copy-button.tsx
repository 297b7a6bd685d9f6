import { ActionIcon, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy, IconX } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { copyText } from './copy-text.ts'

/** Milliseconds for which the button says how it went. */
const saidForMs = 2_000

const icons = { idle: IconCopy, copied: IconCheck, failed: IconX } as const

/** Copies a text to the clipboard and says how that went. `label`: what is copied. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const t = useTranslations()
  const [state, setState] = useState<keyof typeof icons>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), saidForMs)
    return () => clearTimeout(timer)
  }, [state])
  const shown = { idle: label, copied: t('actions.copied'), failed: t('task.copyFailed') }[state]
  const Icon = icons[state]
  return (
    <Tooltip label={shown}>
      <ActionIcon
        variant="subtle"
        color={state === 'failed' ? 'red' : 'gray'}
        size="sm"
        aria-label={shown}
        onClick={async () => setState((await copyText(text)) ? 'copied' : 'failed')}
      >
        <Icon size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  )
}
