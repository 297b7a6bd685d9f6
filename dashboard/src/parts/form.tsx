import { Button, Group, Stack } from '@mantine/core'
import type { ComponentProps, ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from './states.tsx'

/** A form that the page handles itself; the browser sends nothing. */
export function Form({
  onSubmit,
  ...form
}: Omit<ComponentProps<'form'>, 'onSubmit'> & { onSubmit: () => void }) {
  return (
    <form
      {...form}
      onSubmit={event => {
        event.preventDefault()
        onSubmit()
      }}
    />
  )
}

interface FormButtonsProps {
  /** The verb on the button that submits. */
  action: ReactNode
  isBusy: boolean
  isDisabled: boolean
  isDangerous?: boolean
  /** The button that submits has the focus at first. */
  takesFocus?: boolean
  onBack: () => void
}

/** The buttons at the end of a form in a dialog: back, or do it. */
export function FormButtons(props: FormButtonsProps) {
  const { action, isBusy, isDisabled, isDangerous = false, takesFocus = false, onBack } = props
  const t = useTranslations('actions')
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onBack}>
        {t('back')}
      </Button>
      <Button
        type="submit"
        loading={isBusy}
        disabled={isDisabled}
        {...(takesFocus ? { 'data-autofocus': true } : {})}
        {...(isDangerous ? { color: 'red' } : {})}
      >
        {action}
      </Button>
    </Group>
  )
}

/** A form in a dialog: its fields, why it failed, its buttons. */
export function DialogForm({
  onSubmit,
  children,
  error = null,
  ...buttons
}: FormButtonsProps & { onSubmit: () => void; children: ReactNode; error?: unknown }) {
  return (
    <Form onSubmit={() => buttons.isDisabled || onSubmit()}>
      <Stack>
        {children}
        {error !== null && <ErrorNotice error={error} />}
        <FormButtons {...buttons} />
      </Stack>
    </Form>
  )
}
