import { Button, Menu } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { BulkSelection } from '../parts/bulk-dialog.tsx'
import type { TasksSearch } from '../queries/search.ts'
import { bulkFilterOf } from './task-list.ts'

const actions = ['cancel', 'retry', 'runNow', 'addTags', 'removeTags', 'move'] as const

/** What can be done to all tasks that the filters of the list match, on pages that are not read too. */
export function AllMatching({
  search,
  onAsk,
}: {
  search: TasksSearch
  onAsk: (selection: BulkSelection) => void
}) {
  const t = useTranslations('bulk')
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="sm" rightSection={<IconChevronDown size={16} aria-hidden />}>
          {t('forAll')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map(action => (
          <Menu.Item key={action} onClick={() => onAsk({ action, filter: bulkFilterOf(search) })}>
            {t(`acts.${action}.menu`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
