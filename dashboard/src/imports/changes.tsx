import { Button, Checkbox, Group, List, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { Panel } from '../parts/panel.tsx'
import { changesOf, type PreviewEdit, undone } from './edits.ts'
import classes from './imports.module.css'
import type { Preview } from './upload-query.ts'

/** Changes that are shown before one asks for more. */
const few = 8

interface ChangesProps {
  edits: readonly PreviewEdit[]
  preview: Preview
  onChange: (edits: PreviewEdit[]) => void
}

/** What was changed in the preview, each with the way back. */
export function Changes({ edits, preview, onChange }: ChangesProps) {
  const t = useTranslations('imports.edits')
  const [showsAll, setShowsAll] = useState(false)
  const changes = changesOf(edits)
  if (changes.length === 0) return null
  const titles = preview.volumes.flatMap(volume => volume.chapters.map(chapter => chapter.title))
  const nameOf = (index: number) => titles[index] || t('untitled', { number: index + 1 })
  return (
    <Panel title={t('changes', { count: changes.length })}>
      <List size="sm" spacing={4} listStyleType="none" classNames={{ itemWrapper: classes['change'] ?? '' }}>
        {(showsAll ? changes : changes.slice(0, few)).map(change => (
          <List.Item key={`${change.kind} ${change.index} ${change.line}`}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="sm" className={classes['long'] ?? ''}>
                {t(`change.${change.kind}`, { chapter: nameOf(change.index), title: change.title })}
              </Text>
              <Button
                size="compact-xs"
                variant="default"
                flex="none"
                onClick={() => onChange(undone(edits, change))}
              >
                {t('undo')}
              </Button>
            </Group>
          </List.Item>
        ))}
      </List>
      {!showsAll && changes.length > few && (
        <Button size="compact-sm" variant="subtle" onClick={() => setShowsAll(true)}>
          {t('showAll', { count: changes.length })}
        </Button>
      )}
    </Panel>
  )
}

interface RepeatedLinesProps {
  repeated: Preview['repeated']
  /** Lines that are left out. */
  removed: readonly string[]
  onChange: (removed: string[]) => void
  /** A place is to be shown in its text. */
  onShow: (place: Preview['repeated'][number]['places'][number]) => void
}

/** Lines that stand in most chapters, to be left out. None is by itself. */
export function RepeatedLines({ repeated, removed, onChange, onShow }: RepeatedLinesProps) {
  const t = useTranslations('imports.repeated')
  if (repeated.length === 0) return null
  return (
    <Panel title={t('title')} hint={t('how')}>
      {repeated.map(({ line, chapters, places: [first] }) => (
        <Group key={line} justify="space-between" wrap="nowrap" gap="xs">
          <Checkbox
            label={line}
            description={t('chapters', { count: chapters })}
            classNames={{ labelWrapper: classes['long'] ?? '' }}
            checked={removed.includes(line)}
            onChange={({ currentTarget }) =>
              onChange(currentTarget.checked ? [...removed, line] : removed.filter(other => other !== line))
            }
          />
          {first !== undefined && (
            <Button size="compact-xs" variant="default" flex="none" onClick={() => onShow(first)}>
              {t('show')}
            </Button>
          )}
        </Group>
      ))}
    </Panel>
  )
}
