import { Button, Group, Paper, Text } from '@mantine/core'
import { IconBan, IconRefresh } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Selection } from './selection.ts'
import type { TaskAction } from './task-actions.ts'
import classes from './tasks.module.css'

/** What can be done with the chosen rows. Nothing while none is chosen. */
export function SelectionBar({
  selection,
  onAct,
}: {
  selection: Selection
  onAct: (action: TaskAction) => void
}) {
  const t = useTranslations('tasks')
  const count = selection.tasks.length
  if (count === 0) return null
  return (
    <Paper
      withBorder
      shadow="md"
      p="sm"
      className={classes['selected'] ?? ''}
      role="region"
      aria-label={t('chosenRegion')}
    >
      <Group justify="space-between" gap="sm">
        <Text fw={600} className="numbers" role="status">
          {t('chosen', { count })}
        </Text>
        <Group gap="xs">
          <Button
            size="sm"
            variant="light"
            color="red"
            leftSection={<IconBan size={16} aria-hidden />}
            onClick={() => onAct('cancel')}
          >
            {t('cancel')}
          </Button>
          <Button
            size="sm"
            variant="light"
            leftSection={<IconRefresh size={16} aria-hidden />}
            onClick={() => onAct('retry')}
          >
            {t('retry')}
          </Button>
          <Button size="sm" variant="subtle" color="gray" onClick={selection.clear}>
            {t('chooseNone')}
          </Button>
        </Group>
      </Group>
    </Paper>
  )
}
