import { Box, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useRef } from 'react'
import { useTranslations } from 'use-intl'
import { ChapterRowView } from './chapter-row.tsx'
import classes from './imports.module.css'
import { useRowKeys } from './row-keys.ts'
import { numbersOf, type Row } from './rows.ts'
import { useVisibleRows } from './visible-rows.ts'

/** The volumes and chapters of a preview, to be chosen from. */
export interface ChapterListProps {
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
