import { Box, Button, Checkbox, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { type KeyboardEvent, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import classes from './imports.module.css'
import { type RowAct, RowActions, TitleField } from './row-actions.tsx'
import { type ChapterRow, chaptersOf, chosenOf, type Row } from './rows.ts'
import { rowHeight, useRowKeys, useVisibleRows } from './visible-rows.ts'

/** The volumes and chapters of a preview, to be chosen from. */
interface ChapterListProps {
  rows: readonly Row[]
  /** Indexes of the chapters of the file about which there is a warning. */
  warned: ReadonlySet<number>
  /** The file is read as it is. */
  isFixed: boolean
  /** A chapter to be brought into view, and `at`: a new number each time it is wanted. */
  wanted: { number: number; at: number } | undefined
  onChoose: (chapters: readonly ChapterRow[], isChosen: boolean) => void
  onAct: (act: RowAct) => void
}

/** Only the rows that are in view are there, so that thousands stay fluid. */
export function ChapterList(props: ChapterListProps) {
  const { rows, warned, isFixed, onChoose, onAct } = props
  const t = useTranslations('imports.chapters')
  const box = useRef<HTMLDivElement>(null)
  const keys = useRowKeys(props)
  const visible = useVisibleRows(box, rows, keys.at, props.wanted)
  const [renaming, setRenaming] = useState<string>()
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
              key={row.key}
              row={row}
              index={index}
              count={rows.length}
              start={start}
              isWarned={row.kind === 'chapter' && hasWarning(row, warned)}
              isStop={index === keys.at}
              isFixed={isFixed}
              isRenamed={row.key === renaming}
              onRename={() => setRenaming(row.key)}
              onTitle={title => {
                setRenaming(undefined)
                if (title !== undefined) onAct({ kind: 'rename', row, title })
                visible.focus(index)
              }}
              onAct={act => {
                if (act.kind === 'beginVolume') setRenaming(`volume ${row.key}`)
                onAct(act)
                // The row is gone then.
                if (act.kind === 'merge') visible.focus(index - 1)
                else if (act.kind === 'endVolume') visible.focus(index)
              }}
              onToggle={isRange => keys.toggle(index, isRange)}
              onKeyDown={event => keys.onKeyDown(event, index, visible.focus)}
            />
          ))}
        </div>
      </Box>
    </Paper>
  )
}

function hasWarning({ index, line, merged }: ChapterRow, warned: ReadonlySet<number>): boolean {
  return (line === undefined && warned.has(index)) || merged.some(other => warned.has(other))
}

function ListHead({ rows, onChoose }: Pick<ChapterListProps, 'rows' | 'onChoose'>) {
  const t = useTranslations('imports.chapters')
  const all = () => chaptersOf(rows)
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
  isWarned: boolean
  /** Whether Tab leads to it. */
  isStop: boolean
  isFixed: boolean
  /** Its title is being written. */
  isRenamed: boolean
  onRename: () => void
  onTitle: (title: string | undefined) => void
  onAct: (act: RowAct) => void
  /** `isRange`: from the last one to this one. */
  onToggle: (isRange: boolean) => void
  onKeyDown: (event: KeyboardEvent) => void
}

/** A volume or a chapter, with whether it is chosen. */
function ChapterRowView(props: ChapterRowProps) {
  const { row, index, count, start, isWarned, isStop, isFixed, onAct, onRename } = props
  const t = useTranslations()
  const name = useRowName(row)
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
      {props.isRenamed ? (
        <TitleField title={name} onEnd={props.onTitle} />
      ) : (
        <RowChoice {...props} name={name} />
      )}
      {isWarned && (
        <IconAlertTriangle
          size={16}
          className={classes['mark'] ?? ''}
          role="img"
          aria-label={t('imports.chapters.warned')}
        />
      )}
      <Text size="sm" c="dimmed" className={`numbers ${classes['words']}`} visibleFrom="xs">
        {t('units.words', { count: row.words })}
      </Text>
      <RowActions {...{ row, name, isStop, isFixed, onAct, onRename }} />
    </Group>
  )
}

/** Returns how a row is called. */
function useRowName(row: Row): string {
  const t = useTranslations('imports.chapters')
  if (row.title !== '') return row.title
  return row.kind === 'volume'
    ? t('volume', { number: row.volume + 1 })
    : t('chapter', { number: row.position + 1 })
}

type RowChoiceProps = Pick<ChapterRowProps, 'row' | 'isStop' | 'onToggle' | 'onKeyDown'> & { name: string }

/** Whether a row is chosen, with its title. */
function RowChoice({ row, name, isStop, onToggle, onKeyDown }: RowChoiceProps) {
  const chosen = chosenOf(row)
  return (
    <Checkbox
      classNames={{
        root: classes['check'] ?? '',
        body: classes['checkBody'] ?? '',
        labelWrapper: classes['checkLabel'] ?? '',
      }}
      label={<RowTitle title={name} isVolume={row.kind === 'volume'} isOut={chosen === 'none'} />}
      checked={chosen === 'all'}
      indeterminate={chosen === 'some'}
      tabIndex={isStop ? 0 : -1}
      onChange={({ nativeEvent }) => onToggle('shiftKey' in nativeEvent && nativeEvent.shiftKey === true)}
      onKeyDown={onKeyDown}
    />
  )
}

function RowTitle({ title, isVolume, isOut }: { title: string; isVolume: boolean; isOut: boolean }) {
  return (
    <Text
      component="span"
      size="sm"
      truncate
      display="block"
      title={title}
      fw={isVolume ? 650 : 400}
      {...(isOut ? { c: 'dimmed', td: 'line-through' } : {})}
    >
      {title}
    </Text>
  )
}
