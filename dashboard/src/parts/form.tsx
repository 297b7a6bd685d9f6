import { Button, Group, Stack } from '@mantine/core'
import { type ComponentProps, type ReactNode, use } from 'react'
import { useTranslations } from 'use-intl'
import { DialogContext } from './dialog-around.ts'
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
        // A form in a dialog is within the form that opened the dialog, as React sees it.
        event.stopPropagation()
        onSubmit()
      }}
    />
  )
}

interface FormButtonsProps {
  /** The verb on the button that submits. Undefined: there is none, what is there is for reading alone. */
  action: ReactNode | undefined
  isBusy: boolean
  isDisabled: boolean
  isDangerous?: boolean
  /** The button that has the focus at first. Default: neither. */
  takesFocus?: 'action' | 'back'
  /** Default: closes the dialog, and asks first where something typed is not saved. */
  onBack?: () => void
  /** Another button, at the other end. */
  aside?: ReactNode
}

/** The buttons at the end of a form in a dialog: back, or do it. */
export function FormButtons(props: FormButtonsProps) {
  const { action, isBusy, isDisabled, isDangerous = false, takesFocus, onBack, aside } = props
  const t = useTranslations('actions')
  const { close } = use(DialogContext)
  const focus = (button: typeof takesFocus) => (takesFocus === button ? { 'data-autofocus': true } : {})
  return (
    <Group justify={aside === undefined ? 'flex-end' : 'space-between'}>
      {aside}
      <Group>
        <Button variant="default" onClick={onBack ?? close} {...focus('back')}>
          {t('back')}
        </Button>
        {action !== undefined && (
          <Button
            type="submit"
            loading={isBusy}
            disabled={isDisabled}
            {...focus('action')}
            {...(isDangerous ? { color: 'red' } : {})}
          >
            {action}
          </Button>
        )}
      </Group>
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
    <Form onSubmit={() => buttons.isDisabled || buttons.isBusy || onSubmit()}>
      <Stack>
        {children}
        {error !== null && <ErrorNotice error={error} />}
        <FormButtons {...buttons} />
      </Stack>
    </Form>
  )
}
