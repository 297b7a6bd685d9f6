import type { ModalProps } from '@mantine/core'
import { Suspense } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'

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
