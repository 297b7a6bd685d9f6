import { Alert, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { type Capabilities, useCapabilities, whyOff } from '../api/capabilities.ts'
import { Dialog } from './dialog.tsx'
import { ButtonLink } from './links.tsx'
import { Pending } from './states.tsx'

interface ModelTaskDialogProps {
  title: string
  taskType: string
  children: (capabilities: Capabilities) => ReactNode
  onClose: () => void
}

/** A dialog about a task that needs a model; says what to do where there is none. */
export function ModelTaskDialog({ title, taskType, children, onClose }: ModelTaskDialogProps) {
  const { data: capabilities, error, refetch } = useCapabilities()
  return (
    <Dialog size="lg" title={title} onClose={onClose}>
      {capabilities === undefined ? (
        <Pending error={error} onRetry={refetch} lines={5} />
      ) : whyOff(capabilities, taskType) === undefined ? (
        children(capabilities)
      ) : (
        <NoModel />
      )}
    </Dialog>
  )
}

function NoModel() {
  const t = useTranslations('scenes.noModel')
  return (
    <Alert color="gray" title={t('title')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('text')}</Text>
        <ButtonLink size="xs" to="/settings" hash="models">
          {t('settings')}
        </ButtonLink>
      </Stack>
    </Alert>
  )
}
