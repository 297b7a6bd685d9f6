import { Checkbox, Group, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { KeyboardEvent } from 'react'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import { chosenOf, type Row } from './rows.ts'
import { rowHeight } from './visible-rows.ts'

interface ChapterRowProps {
  row: Row
  index: number
  count: number
  /** Pixels from the top. */
  start: number
  excluded: ReadonlySet<number>
  isWarned: boolean
  /** Whether Tab leads to it. */
  isStop: boolean
  /** `isRange`: from the last one to this one. */
  onToggle: (isRange: boolean) => void
  onKeyDown: (event: KeyboardEvent) => void
}

/** A volume or a chapter, with whether it is chosen. */
export function ChapterRowView(props: ChapterRowProps) {
  const { row, index, count, start, excluded, isWarned, isStop, onToggle, onKeyDown } = props
  const t = useTranslations()
  const chosen = chosenOf(row, excluded)
  const isVolume = row.kind === 'volume'
  return (
    <Group
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={count}
      className={`${classes['row']} ${isVolume ? classes['volume'] : ''}`}
      style={{ height: rowHeight, transform: `translateY(${start}px)` }}
      data-row={index}
      wrap="nowrap"
      gap="xs"
      px="md"
    >
      <Checkbox
        classNames={{
          root: classes['check'] ?? '',
          body: classes['checkBody'] ?? '',
          labelWrapper: classes['checkLabel'] ?? '',
        }}
        label={<RowTitle row={row} isOut={chosen === 'none'} />}
        checked={chosen === 'all'}
        indeterminate={chosen === 'some'}
        tabIndex={isStop ? 0 : -1}
        onChange={({ nativeEvent }) => onToggle('shiftKey' in nativeEvent && nativeEvent.shiftKey === true)}
        onKeyDown={onKeyDown}
      />
      {isWarned && (
        <IconAlertTriangle
          size={16}
          className={classes['mark'] ?? ''}
          role="img"
          aria-label={t('imports.chapters.warned')}
        />
      )}
      <Text size="sm" c="dimmed" className={`numbers ${classes['words']}`}>
        {t('units.words', { count: row.words })}
      </Text>
    </Group>
  )
}

function RowTitle({ row, isOut }: { row: Row; isOut: boolean }) {
  const t = useTranslations('imports.chapters')
  const untitled =
    row.kind === 'volume' ? t('volume', { number: row.volume + 1 }) : t('chapter', { number: row.number + 1 })
  const title = row.title === '' ? untitled : row.title
  return (
    <Text
      component="span"
      size="sm"
      truncate
      display="block"
      title={title}
      fw={row.kind === 'volume' ? 650 : 400}
      {...(isOut ? { c: 'dimmed', td: 'line-through' } : {})}
    >
      {title}
    </Text>
  )
}
