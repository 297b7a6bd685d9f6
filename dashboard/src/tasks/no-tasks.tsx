import { Button, Group } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { Empty } from '../parts/states.tsx'
import type { FilterProps } from './filter-props.ts'
import { isFiltered } from './task-filters.tsx'

/** In place of a list without rows: nothing was ever begun here, or nothing fits the filters. */
export function NoTasks({ search, onSearch }: FilterProps) {
  const t = useTranslations('tasks')
  if (!isFiltered(search))
    return (
      <Empty title={t('noneTitle')} text={t('noneText')}>
        <ButtonLink to="/">{t('toShelf')}</ButtonLink>
      </Empty>
    )
  return (
    <Empty title={t('noMatchTitle')} text={t('noMatchText')}>
      <Group justify="center">
        {search.all !== true && (
          <Button variant="default" onClick={() => onSearch({ ...search, all: true })}>
            {t('withSubTasks')}
          </Button>
        )}
        <Button onClick={() => onSearch({})}>{t('clearFilters')}</Button>
      </Group>
    </Empty>
  )
}
