import { Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { useSummaryModel } from '../api/capabilities.ts'
import { TextLink } from '../parts/links.tsx'

/** Where no model summarises: how summaries come about all the same, and what a model would add. */
export function ModelNote() {
  const t = useTranslations('home')
  const model = useSummaryModel()
  if (model?.method !== 'extractive') return null
  return (
    <Text size="sm" c="dimmed" ta="center" data-model-note>
      {t.rich('noModel', {
        settings: words => (
          <TextLink to="/settings" underline="always">
            {words}
          </TextLink>
        ),
      })}
    </Text>
  )
}
