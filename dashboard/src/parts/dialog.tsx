import { type ModalProps, Text, TextInput } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { type ReactNode, Suspense, useState } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'
import { DialogForm } from './form.tsx'

/** Comes with the first dialog that opens. */
const Modal = lazyPart<'Modal', ModalProps>(() => import('./modal.ts'), 'Modal')

interface DialogProps extends Pick<ModalProps, 'title' | 'children' | 'onClose'> {
  /** `md` is wide enough for a question. */
  size?: 'md' | 'lg' | 'xl'
  /** In the middle of the window and not at its top: for what is short. */
  centered?: boolean
  /** Default: "Close". */
  closeLabel?: string
}

/** Something to answer before one goes on. Rendered while it is open. */
export function Dialog({ size = 'md', centered = false, closeLabel, ...props }: DialogProps) {
  const t = useTranslations('actions')
  const closeButtonProps = { 'aria-label': closeLabel ?? t('close') }
  return (
    <Suspense>
      <Modal opened size={size} centered={centered} closeButtonProps={closeButtonProps} {...props} />
    </Suspense>
  )
}

/** A question before something that cannot be taken back. */
interface ConfirmProps {
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
  const [given, setGiven] = useState('')
  const isReady = typed === undefined || given.trim() === typed.text
  return (
    <Dialog onClose={onClose} title={title} centered>
      <DialogForm
        onSubmit={() => {
          if (isReady) onConfirm()
        }}
        action={action}
        isBusy={isBusy}
        isDisabled={!isReady}
        isDangerous={isDangerous}
        takesFocus
        onBack={onClose}
      >
        {children}
        {typed && (
          <TextInput
            label={typed.label}
            value={given}
            onChange={({ currentTarget }) => setGiven(currentTarget.value)}
            autoComplete="off"
          />
        )}
      </DialogForm>
    </Dialog>
  )
}

/** Asks before something that was typed and not saved is left behind. Returns the question, to be rendered where the typing is. Default: that it is lost. */
export function useUnsaved(
  isUnsaved: boolean,
  question?: Pick<ConfirmProps, 'title' | 'action' | 'isDangerous' | 'children'>,
): ReactNode {
  const t = useTranslations('parts.unsaved')
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isUnsaved && current.pathname !== next.pathname,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  const lost = {
    title: t('title'),
    action: t('leave'),
    isDangerous: true,
    children: <Text>{t('text')}</Text>,
  }
  return <Confirm {...(question ?? lost)} onConfirm={blocker.proceed} onClose={blocker.reset} />
}
