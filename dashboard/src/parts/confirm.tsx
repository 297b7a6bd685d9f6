import { Button, Group, Stack, TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import { Dialog } from './dialog.tsx'

/** A question before something that cannot be taken back. */
export interface ConfirmProps {
  title: string
  /** What will happen, and to what. */
  children: ReactNode
  /** The verb on the button. */
  action: string
  isDangerous?: boolean
  isBusy?: boolean
  /** What has to be typed first, where much would be lost; with the words that ask for it. */
  typed?: { text: string; label: string }
  onConfirm: () => void
  onClose: () => void
}

/** Asks before something is done. Rendered while the question stands. */
export function Confirm(props: ConfirmProps) {
  const { title, children, action, isDangerous = false, isBusy = false, typed, onConfirm, onClose } = props
  const t = useTranslations('actions')
  const [given, setGiven] = useState('')
  const isReady = typed === undefined || given.trim() === typed.text
  return (
    <Dialog onClose={onClose} title={title} centered>
      <form
        onSubmit={event => {
          event.preventDefault()
          if (isReady) onConfirm()
        }}
      >
        <Stack>
          {children}
          {typed && (
            <TextInput
              label={typed.label}
              value={given}
              onChange={({ currentTarget }) => setGiven(currentTarget.value)}
              autoComplete="off"
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('back')}
            </Button>
            <Button
              type="submit"
              data-autofocus
              loading={isBusy}
              disabled={!isReady}
              {...(isDangerous ? { color: 'red' } : {})}
            >
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}
