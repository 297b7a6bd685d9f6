import { Alert, Badge } from '@mantine/core'
import { IconQuote } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'

/** Marks a novel that is a reference. */
export function ReferenceBadge() {
  const t = useTranslations('parts.reference')
  return (
    <Badge variant="light" leftSection={<IconQuote size={12} aria-hidden />} data-reference>
      {t('badge')}
    </Badge>
  )
}

/** Why no model writes in a novel: it stands where the tools for that would be. */
export function ReferenceNotice() {
  const t = useTranslations('parts.reference')
  return (
    <Alert color="gray" icon={<IconQuote aria-hidden />} title={t('title')} data-reference-notice>
      {t('text')}
    </Alert>
  )
}
