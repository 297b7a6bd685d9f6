import { Button, Checkbox, Group, NativeSelect, Stack, Text } from '@mantine/core'
import { IconGitCompare } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Panel } from '../parts/panel.tsx'
import { Pending } from '../parts/states.tsx'
import {
  type Choice,
  type Comparison,
  type FileChapter,
  type ForChanged,
  useBothTexts,
} from './addition-queries.ts'

const TextDiff = lazyPart(() => import('../parts/text-diff.tsx'), 'TextDiff')

interface ComparedChaptersProps {
  uploadId: string
  comparison: Comparison
  choice: Choice
  onChange: (choice: Choice) => void
}

/** Chapters that are shown at first, and with each press of the button. */
const perStep = 100

/** The chapters that are new, and those that are changed: what is done with each. Those that are known need nothing. */
export function ComparedChapters(props: ComparedChaptersProps) {
  const t = useTranslations('additions')
  const actions = useTranslations('actions')
  const { uploadId, comparison, choice, onChange } = props
  const [shown, setShown] = useState(perStep)
  const [compared, setCompared] = useState<FileChapter>()
  const rows = comparison.chapters.filter(({ status }) => status !== 'known')
  const fresh = rows.filter(({ status }) => status === 'new')
  const titles = new Map(
    [...comparison.chapters, ...comparison.missing].map(({ chapterId = '', title }) => [chapterId, title]),
  )
  const excludeAll = (isOut: boolean) =>
    onChange({ ...choice, excluded: new Set(isOut ? fresh.map(({ index }) => index) : []) })
  return (
    <Panel title={t('chapters')}>
      {fresh.length > 1 && (
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={() => excludeAll(false)}>
            {t('all')}
          </Button>
          <Button size="xs" variant="default" onClick={() => excludeAll(true)}>
            {t('none')}
          </Button>
        </Group>
      )}
      <Stack gap="sm" role="list" aria-label={t('chapters')}>
        {rows.slice(0, shown).map(chapter => (
          <Row
            key={chapter.index}
            {...{ chapter, choice, onChange }}
            behind={chapter.behind === undefined ? undefined : titles.get(chapter.behind)}
            onCompare={() => setCompared(chapter)}
          />
        ))}
      </Stack>
      {shown < rows.length && (
        <Button variant="default" w="fit-content" onClick={() => setShown(shown + perStep)}>
          {actions('more')}
        </Button>
      )}
      {compared !== undefined && (
        <BothTexts
          {...{ uploadId, novelId: comparison.novelId, chapter: compared }}
          onClose={() => setCompared(undefined)}
        />
      )}
    </Panel>
  )
}

interface RowProps {
  chapter: FileChapter
  choice: Choice
  onChange: (choice: Choice) => void
  /** Title of the chapter that it comes behind; undefined for the beginning. */
  behind: string | undefined
  onCompare: () => void
}

/** A chapter, and what is done with it. */
function Row(props: RowProps) {
  const { chapter, behind } = props
  const t = useTranslations('additions')
  const { index, status, words, wordsInNovel = 0 } = chapter
  return (
    <Group role="listitem" justify="space-between" gap="xs" data-chapter={index} data-status={status}>
      <Stack gap={0} flex="1 1 16rem" miw={0}>
        <ChapterTitle {...props} />
        <Text size="sm" c="dimmed" className="numbers" pl={status === 'new' ? 'xl' : 0}>
          {status === 'changed'
            ? t('changedWords', { words, wordsInNovel })
            : behind === undefined
              ? t('atStart', { words })
              : t('behind', { words, title: behind })}
        </Text>
      </Stack>
      {status === 'changed' && <ForChangedChoice {...props} />}
    </Group>
  )
}

function ChapterTitle({ chapter: { index, title, status }, choice, onChange }: RowProps) {
  const t = useTranslations('additions')
  const name = title === '' ? t('untitled', { number: index + 1 }) : title
  if (status === 'changed') return <Text size="sm">{name}</Text>
  const setIsIn = (isIn: boolean) => {
    const excluded = new Set(choice.excluded)
    if (isIn) excluded.delete(index)
    else excluded.add(index)
    onChange({ ...choice, excluded })
  }
  return (
    <Checkbox
      label={name}
      checked={!choice.excluded.has(index)}
      onChange={({ currentTarget }) => setIsIn(currentTarget.checked)}
    />
  )
}

function ForChangedChoice({ chapter: { index, title }, choice, onChange, onCompare }: RowProps) {
  const t = useTranslations('additions')
  const choose = (value: string) => {
    const changed = new Map(choice.changed)
    if (value === 'leave') changed.delete(index)
    else changed.set(index, value as ForChanged)
    onChange({ ...choice, changed })
  }
  return (
    <Group gap="xs">
      <Button
        size="xs"
        variant="default"
        leftSection={<IconGitCompare size={16} aria-hidden />}
        onClick={onCompare}
      >
        {t('compare')}
      </Button>
      <NativeSelect
        size="xs"
        aria-label={t('forChanged.label', { title })}
        value={choice.changed.get(index) ?? 'leave'}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
        data={(['leave', 'replace', 'add'] as const).map(value => ({
          value,
          label: t(`forChanged.${value}`),
        }))}
      />
    </Group>
  )
}

/** Both texts of a chapter, as what changed from that of the novel to that of the file. */
function BothTexts({
  uploadId,
  novelId,
  chapter,
  onClose,
}: {
  uploadId: string
  novelId: string
  chapter: FileChapter
  onClose: () => void
}) {
  const { data, error, refetch } = useBothTexts(uploadId, novelId, chapter)
  return (
    <Dialog size="xl" title={chapter.title} onClose={onClose}>
      {data === undefined ? (
        <Pending error={error} onRetry={refetch} lines={8} />
      ) : (
        <TextDiff before={data.before} after={data.after} words="file" />
      )}
    </Dialog>
  )
}

/** Missing chapters that are named. */
const mostNamed = 20

/** The chapters of the novel that the file does not have: nothing happens to them. */
export function MissingChapters({ missing }: Pick<Comparison, 'missing'>) {
  const t = useTranslations('additions')
  if (missing.length === 0) return null
  const named = missing
    .slice(0, mostNamed)
    .map(({ title, position }) => (title === '' ? t('untitled', { number: position + 1 }) : title))
  return (
    <Text size="sm" c="dimmed">
      {t('missing', { count: missing.length })} {named.join(' · ')}
      {missing.length > mostNamed && ' …'}
    </Text>
  )
}
