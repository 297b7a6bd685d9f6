import { ActionIcon, Button } from '@mantine/core'
import { IconCheck, IconCopy, IconX } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'

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
    <ActionIcon
      variant="subtle"
      color={state === 'failed' ? 'red' : 'gray'}
      size="sm"
      aria-label={shown}
      title={shown}
      onClick={async () => setState((await copyText(text)) ? 'copied' : 'failed')}
    >
      <Icon size={16} aria-hidden />
    </ActionIcon>
  )
}

/** A button with a word that copies a text. `name`: of what the text is, where there are several buttons. */
export function CopyThis({ text, name }: { text: string; name?: string }) {
  const t = useTranslations('actions')
  const [isCopied, setIsCopied] = useState(false)
  const action = isCopied ? t('copied') : t('copy')
  return (
    <Button
      size="xs"
      variant="default"
      w="fit-content"
      leftSection={isCopied ? <IconCheck size={16} aria-hidden /> : undefined}
      aria-label={name === undefined ? undefined : t('named', { action, name })}
      onClick={async () => setIsCopied(await copyText(text))}
    >
      {action}
    </Button>
  )
}

/**
 * Puts a text on the clipboard. A page that came over plain HTTP from another machine is given no clipboard by the browser: then the old way
 * is tried, which wants a text that is selected. False when neither works.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    // The types promise a clipboard; insecure contexts break that promise.
    const clipboard: Clipboard | undefined = navigator.clipboard
    if (clipboard !== undefined) {
      await clipboard.writeText(text)
      return true
    }
  } catch {
    // Refused: the other way may still be open.
  }
  return copySelected(text)
}

function copySelected(text: string): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.readOnly = true
  area.setAttribute('aria-hidden', 'true')
  area.style.position = 'fixed'
  area.style.opacity = '0'
  // Within an open dialog: a dialog takes the focus back from what is outside of it.
  const place = before?.closest('[role="dialog"]') ?? document.body
  place.append(area)
  area.select()
  try {
    return document.execCommand('copy')
  } catch {
    return false
  } finally {
    area.remove()
    if (before instanceof HTMLElement) before.focus()
  }
}

/** Has the browser save a file. `type`: its media type. */
export function download(name: string, content: BlobPart, type = 'application/json'): void {
  const address = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken the content by the next turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(address), 0)
}
