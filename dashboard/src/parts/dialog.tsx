import { type ModalProps, Text, type TextInputProps } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { useBlocker } from '@tanstack/react-router'
import { type ReactNode, Suspense, use, useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'
import { DialogContext } from './dialog-around.ts'
import { DialogForm } from './form.tsx'

/** They come with the first dialog that opens. */
const loadModal = () => import('./modal.ts')
const Modal = lazyPart<'Modal', ModalProps>(loadModal, 'Modal')
const TextInput = lazyPart<'TextInput', TextInputProps>(loadModal, 'TextInput')

interface DialogProps extends Pick<ModalProps, 'title' | 'children' | 'onClose'> {
  /** `md` is wide enough for a question. */
  size?: 'md' | 'lg' | 'xl'
  /** In the middle of the window and not at its top: for what is short. */
  centered?: boolean
  /** Default: "Close". */
  closeLabel?: string
  /** Something typed is not saved: the person is asked before the dialog closes. Default: what `useUnsaved` says within the dialog. */
  isUnsaved?: boolean
}

/** Something to answer before one goes on. Rendered while it is open. */
export function Dialog(props: DialogProps) {
  const { size = 'md', centered = false, closeLabel, isUnsaved = false, onClose, children, title } = props
  const t = useTranslations('actions')
  const [unsaved] = useState(() => new Set<symbol>())
  const [isAsked, setIsAsked] = useState(false)
  const close = () => (unsaved.size === 0 ? onClose() : setIsAsked(true))
  useOpenDialog(close)
  const closeButtonProps = { 'aria-label': closeLabel ?? t('close') }
  return (
    <DialogContext value={{ unsaved, close }}>
      <Suspense>
        <Modal
          {...{ opened: true, closeOnEscape: false, size, centered, closeButtonProps, title }}
          onClose={close}
        >
          {children}
          {isUnsaved && <Unsaved />}
          {isAsked && <AskToLeave onConfirm={onClose} onClose={() => setIsAsked(false)} />}
        </Modal>
      </Suspense>
    </DialogContext>
  )
}

interface OpenDialog {
  /** What had the focus before it; then what had it before the dialog below. */
  readonly before: readonly (HTMLElement | null)[]
}

/** The topmost last. */
const openDialogs: OpenDialog[] = []

/** Has Escape close the topmost dialog alone; by itself each one that is open would close. Gives the focus back once the dialog is gone. */
function useOpenDialog(close: () => void): void {
  const [own] = useState(() => ({ before: [findFocused(), ...(openDialogs.at(-1)?.before ?? [])] }))
  useEffect(() => {
    openDialogs.push(own)
    return () => {
      openDialogs.splice(openDialogs.indexOf(own), 1)
      if (document.activeElement !== document.body) return
      own.before.find(element => element?.isConnected)?.focus({ preventScroll: true })
    }
  }, [own])
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.isComposing || event.defaultPrevented) return
    // A list that is open below a field takes the key.
    const isOfList =
      event.target instanceof Element && event.target.matches('[data-mantine-stop-propagation=true]')
    if (isOfList || openDialogs.at(-1) !== own) return
    event.preventDefault()
    close()
  }
  useWindowEvent('keydown', onKey, { capture: true })
}

/** Returns what has the focus; in place of an item of a menu, which closes, what opens that menu. */
function findFocused(): HTMLElement | null {
  const { activeElement } = document
  const menu = activeElement?.closest('[role=menu]')
  if (menu) return document.getElementById(menu.getAttribute('aria-labelledby') ?? '')
  return activeElement instanceof HTMLElement ? activeElement : null
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
  /** Something that the answer depends on is not known yet. */
  isDisabled?: boolean
  /** What has to be typed first, where much would be lost; with the words that ask for it. */
  typed?: { text: string; label: string }
  /** The button that has the focus at first. */
  takesFocus?: 'action' | 'back'
  onConfirm: () => void
  onClose: () => void
}

/** Asks before something is done. Rendered while the question stands. */
export function Confirm(props: ConfirmProps) {
  const { title, children, action, isDangerous = false, isBusy = false, typed, onConfirm, onClose } = props
  const { takesFocus = 'action', isDisabled = false } = props
  const [given, setGiven] = useState('')
  const isReady = !isDisabled && (typed === undefined || given.trim() === typed.text)
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
        takesFocus={takesFocus}
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

/**
 * Asks before something that was typed and not saved is left behind, for another page or by closing the dialog around it. Returns the question, to be
 * rendered where the typing is. `findQuestion` says what is asked when it is asked; without an answer: that it is lost.
 */
export function useUnsaved(
  isUnsaved: boolean,
  findQuestion?: () => Pick<ConfirmProps, 'title' | 'action' | 'children'> | undefined,
): ReactNode {
  const { unsaved } = use(DialogContext)
  useEffect(() => {
    if (!isUnsaved) return
    const own = Symbol('unsaved')
    unsaved.add(own)
    return () => {
      unsaved.delete(own)
    }
  }, [isUnsaved, unsaved])
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => isUnsaved && current.pathname !== next.pathname,
    enableBeforeUnload: isUnsaved,
    withResolver: true,
  })
  if (blocker.status !== 'blocked') return null
  const answers = { onConfirm: blocker.proceed, onClose: blocker.reset }
  const question = findQuestion?.()
  return question === undefined ? <AskToLeave {...answers} /> : <Confirm {...question} {...answers} />
}

function Unsaved() {
  return useUnsaved(true)
}

/** Asks before typed text is lost. *Back* has the focus, so that Enter right after Escape loses nothing. */
export function AskToLeave(answers: Pick<ConfirmProps, 'onConfirm' | 'onClose'>) {
  const t = useTranslations('parts.unsaved')
  return (
    <Confirm title={t('title')} action={t('leave')} isDangerous takesFocus="back" {...answers}>
      <Text>{t('text')}</Text>
    </Confirm>
  )
}
