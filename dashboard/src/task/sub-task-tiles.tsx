import { Group, Text, UnstyledButton } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { statuses } from '../api/statuses.ts'
import type { Task } from '../api/task.ts'
import { useWriting } from '../text/format.ts'
import type { Below } from './counts-below.ts'
import classes from './sub-tasks.module.css'

interface SubTaskTilesProps {
  below: Below
  /** The statuses that are shown; none: all. */
  shown: readonly Task['status'][]
  onShow: (statuses: readonly Task['status'][]) => void
}

/** How many sub-tasks are where; a tile shows or hides those of its status. */
export function SubTaskTiles({ below: { counts, total }, shown, onShow }: SubTaskTilesProps) {
  const t = useTranslations('task.children')
  const status = useTranslations('status')
  const toggle = (each: Task['status']) =>
    onShow(shown.includes(each) ? shown.filter(other => other !== each) : [...shown, each])
  return (
    <Group gap="xs" role="group" aria-label={t('counts')}>
      <Tile name={t('all')} count={total} isOn={shown.length === 0} onClick={() => onShow([])} />
      {statuses
        .filter(each => (counts[each] ?? 0) > 0 || shown.includes(each))
        .map(each => (
          <Tile
            key={each}
            status={each}
            name={status(each)}
            count={counts[each] ?? 0}
            isOn={shown.includes(each)}
            onClick={() => toggle(each)}
          />
        ))}
    </Group>
  )
}

interface TileProps {
  name: string
  count: number
  isOn: boolean
  status?: Task['status']
  onClick: () => void
}

function Tile({ name, count, isOn, status, onClick }: TileProps) {
  const writing = useWriting()
  return (
    <UnstyledButton className={classes['tile']} aria-pressed={isOn} data-status={status} onClick={onClick}>
      <Text fw={650} className="numbers">
        {writing.number(count)}
      </Text>
      <Text size="xs" c="dimmed">
        {name}
      </Text>
    </UnstyledButton>
  )
}
