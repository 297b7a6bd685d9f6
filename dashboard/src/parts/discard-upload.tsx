import { Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { api, codeOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Confirm } from './dialog.tsx'
import { useNotifyError } from './notify.tsx'

/** Throws an upload away once the person has said so. `onDone`: it is discarded. */
export function DiscardUpload({
  upload,
  onClose,
  onDone,
}: {
  upload: { id: string; fileName: string }
  onClose: () => void
  onDone?: () => void
}) {
  const t = useTranslations('home.waiting')
  const discard = useDiscard(() => {
    onClose()
    onDone?.()
  })
  return (
    <Confirm
      title={t('discardTitle')}
      action={t('discard')}
      isDangerous
      isBusy={discard.isPending}
      onConfirm={() => discard.mutate(upload.id)}
      onClose={onClose}
    >
      <Text>{t('discardText', { name: upload.fileName })}</Text>
    </Confirm>
  )
}

function useDiscard(onDone: () => void) {
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  return useMutation({
    mutationFn: (uploadId: string) =>
      api.DELETE('/v1/uploads/{uploadId}', { params: { path: { uploadId } } }),
    onError(error) {
      // An answer that was lost, or another tab: it is discarded all the same.
      if (codeOf(error) === 'UPLOAD_NOT_FOUND') onDone()
      else notifyError(error)
    },
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.uploads }),
  })
}
