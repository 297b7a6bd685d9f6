import { Box, Button, Checkbox, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type KeyboardEvent, useRef } from 'react'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import { chosenOf, numbersOf, type Row } from './rows.ts'
import { rowHeight, useRowKeys, useVisibleRows } from './visible-rows.ts'

/** The volumes and chapters of a preview, to be chosen from. */
interface ChapterListProps {
  rows: readonly Row[]
  excluded: ReadonlySet<number>
  /** Numbers of chapters about which there is a warning. */
  warned: ReadonlySet<number>
  /** A chapter to be brought into view, and `at`: a new number each time it is wanted. */
  wanted: { number: number; at: number } | undefined
  onChoose: (numbers: readonly number[], isChosen: boolean) => void
}

/** Only the rows that are in view are there, so that thousands stay fluid. */
export function ChapterList(props: ChapterListProps) {
  const { rows, excluded, warned, onChoose } = props
  const t = useTranslations('imports.chapters')
  const box = useRef<HTMLDivElement>(null)
  const keys = useRowKeys(props)
  const visible = useVisibleRows(box, rows, keys.at, props.wanted)
  return (
    <Paper withBorder component="section" aria-label={t('title')}>
      <ListHead rows={rows} onChoose={onChoose} />
      <Box
        ref={box}
        className={classes['scroller'] ?? ''}
        style={{ height: `min(${visible.height}px, 40rem, 60vh)` }}
        role="list"
        aria-label={t('title')}
      >
        <div style={{ height: visible.height, position: 'relative' }} role="presentation">
          {visible.items.map(({ index, start, row }) => (
            <ChapterRowView
              key={index}
              row={row}
              index={index}
              count={rows.length}
              start={start}
              excluded={excluded}
              isWarned={row.kind === 'chapter' && warned.has(row.number)}
              isStop={index === keys.at}
              onToggle={isRange => keys.toggle(index, isRange)}
              onKeyDown={event => keys.onKeyDown(event, index, visible.focus)}
            />
          ))}
        </div>
      </Box>
    </Paper>
  )
}

function ListHead({ rows, onChoose }: Pick<ChapterListProps, 'rows' | 'onChoose'>) {
  const t = useTranslations('imports.chapters')
  const all = () => numbersOf(rows)
  return (
    <Group justify="space-between" p="md" gap="xs" className={classes['head'] ?? ''}>
      <Stack gap={0} flex="1 1 12rem">
        <Title order={2}>{t('title')}</Title>
        <Text size="sm" c="dimmed">
          {t('how')}
        </Text>
        <Text size="sm" c="dimmed" visibleFrom="sm">
          {t('keys')}
        </Text>
      </Stack>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => onChoose(all(), true)}>
          {t('all')}
        </Button>
        <Button size="xs" variant="default" onClick={() => onChoose(all(), false)}>
          {t('none')}
        </Button>
      </Group>
    </Group>
  )
}

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
function ChapterRowView(props: ChapterRowProps) {
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
