import { Group } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { Empty } from '../parts/states.tsx'
import type { UsageSearch } from '../queries/search.ts'

/** No model was called, at all or within the chosen time. */
export function NothingUsed({ search: { days, novel } }: { search: UsageSearch }) {
  const t = useTranslations('usage')
  const isAll = days === 'all'
  return (
    <Empty title={isAll ? t('emptyTitle') : t('emptySpanTitle')} text={t('emptyText')}>
      <Group gap="xs" mt="sm">
        {!isAll && (
          <ButtonLink
            to="/usage"
            search={{ days: 'all', ...(novel === undefined ? {} : { novel }) }}
            variant="default"
          >
            {t('showAll')}
          </ButtonLink>
        )}
        <ButtonLink to="/settings" hash="models" variant="default">
          {t('toModels')}
        </ButtonLink>
      </Group>
    </Empty>
  )
}
