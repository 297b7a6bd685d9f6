import { Button, Checkbox, Paper, Radio, SimpleGrid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconFileExport } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Task } from '../api/task.ts'
import { ChapterSelect } from '../parts/chapter-select.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ExportRow, exportFormats, laidOutFormats, useExports, useExportsToShow } from '../parts/exported.tsx'
import { DialogForm } from '../parts/form.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { type Around, AroundFields, aroundParameters, nothingAround } from './export-around.tsx'
import { chaptersOf, type NovelOutline } from './novel.ts'
import { novelTag } from './novel-tasks.ts'

/** Opens the dialog that makes a file of a novel. */
export function ExportButton({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels.export')
  const [isOpen, { open, close }] = useDisclosure()
  return (
    <>
      <Button variant="default" leftSection={<IconFileExport size={18} aria-hidden />} onClick={open}>
        {t('open')}
      </Button>
      {isOpen && <ExportDialog novel={novel} onClose={close} />}
    </>
  )
}

/** Asks for a file of the novel, and shows the exports that run or whose file is there. They go on when it is closed. */
function ExportDialog({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.export')
  const { tasks, begin, begun, error, refetch } = useExports('ExportNovel', novelTag(novel.id))
  const isRunning = tasks?.some(({ id, done }) => !done && begun.includes(id)) ?? false
  return (
    <Dialog size="lg" title={t('title')} onClose={onClose}>
      <Stack>
        {tasks === undefined && error !== null && <ErrorNotice error={error} onRetry={refetch} />}
        <Exports newest={tasks ?? []} begun={begun} />
        <ExportForm
          novel={novel}
          onSubmit={parameters => begin.mutate(parameters)}
          error={begin.error}
          isBusy={begin.isPending || isRunning}
        />
      </Stack>
    </Dialog>
  )
}

function Exports({ newest, begun }: { newest: readonly Task[]; begun: readonly string[] }) {
  const t = useTranslations('novels.export')
  const shown = useExportsToShow(newest)
  const first = useRef<HTMLDivElement>(null)
  const latest = begun.find(id => id === shown[0]?.id)
  useEffect(() => {
    // On a phone, who presses the button at the end of the form does not see the list above it.
    if (latest !== undefined) first.current?.scrollIntoView({ block: 'center' })
  }, [latest])
  if (shown.length === 0) return null
  return (
    <Stack gap="xs">
      {shown.map((task, at) => (
        <Paper key={task.id} withBorder p="sm" ref={at === 0 ? first : undefined}>
          <ExportRow task={task} isAwaited={begun.includes(task.id)} />
        </Paper>
      ))}
      {shown.some(({ done }) => !done) && (
        <Text size="sm" c="dimmed">
          {t('goesOn')}
        </Text>
      )}
    </Stack>
  )
}

const layouts = ['book', 'manuscript'] as const
const contents = ['text', 'outline', 'codex'] as const

/** What a person wants to have in the file. */
interface Wanted {
  format: (typeof exportFormats)[number]
  /** The ids of the first and the last chapter; undefined: the whole novel. */
  range: { from: string; to: string } | undefined
  filePerChapter: boolean
  layout: (typeof layouts)[number]
  content: (typeof contents)[number]
  around: Around
}

const atFirst: Wanted = {
  ...{ format: 'docx', range: undefined, filePerChapter: false, layout: 'book' },
  ...{ content: 'text', around: nothingAround },
}

/** Returns what of a choice can be asked for beside the others. */
function possible({ format, layout, content, filePerChapter }: Wanted) {
  // An archive holds all of the novel in one file.
  if (format === 'archive')
    return { hasLayout: false, hasRange: false, hasFiles: false, hasContact: false, hasMatter: false }
  const isText = content === 'text'
  const hasLayout = laidOutFormats.includes(format)
  return {
    hasLayout,
    hasRange: content !== 'codex',
    hasFiles: isText,
    hasContact: hasLayout && layout === 'manuscript',
    hasMatter: isText && format !== 'md' && !filePerChapter,
  }
}

function parametersOf(novelId: string, wanted: Wanted) {
  if (wanted.format === 'archive') return { novelId, format: wanted.format }
  const { format, range, filePerChapter, layout, content, around } = wanted
  const { hasLayout, hasRange, hasFiles, ...beside } = possible(wanted)
  return {
    novelId,
    format,
    ...(content !== 'text' && { content }),
    ...(range && hasRange && { startChapterId: range.from, endChapterId: range.to }),
    ...(filePerChapter && hasFiles && { filePerChapter }),
    ...(hasLayout && { layout }),
    ...aroundParameters(around, beside),
  }
}

interface ExportFormProps {
  novel: NovelOutline
  onSubmit: (parameters: object) => void
  error: unknown
  isBusy: boolean
}

function ExportForm({ novel, onSubmit, ...rest }: ExportFormProps) {
  const t = useTranslations('novels.export')
  const [wanted, setWanted] = useState<Wanted>(atFirst)
  const change = (part: Partial<Wanted>) => setWanted(now => ({ ...now, ...part }))
  const can = possible(wanted)
  return (
    <DialogForm
      onSubmit={() => onSubmit(parametersOf(novel.id, wanted))}
      action={t('action')}
      isDisabled={false}
      {...rest}
    >
      <ContentChoice value={wanted.content} onChange={content => change({ content })} />
      {novel.characters === 0 && wanted.content === 'text' && <Text size="sm">{t('noText')}</Text>}
      <FormatChoice value={wanted.format} onChange={format => change({ format })} />
      {can.hasLayout && <LayoutChoice value={wanted.layout} onChange={layout => change({ layout })} />}
      {novel.chapters > 1 && can.hasRange && (
        <RangeChoice novel={novel} value={wanted.range} onChange={range => change({ range })} />
      )}
      {novel.chapters > 1 && can.hasFiles && (
        <Checkbox
          label={t('filePerChapter')}
          description={t('filePerChapterHint')}
          checked={wanted.filePerChapter}
          onChange={({ currentTarget }) => change({ filePerChapter: currentTarget.checked })}
        />
      )}
      <AroundFields
        value={wanted.around}
        onChange={part => change({ around: { ...wanted.around, ...part } })}
        hasContact={can.hasContact}
        hasMatter={can.hasMatter}
      />
    </DialogForm>
  )
}

interface ChoiceProps<Name extends keyof Wanted> {
  value: Wanted[Name]
  onChange: (value: Wanted[Name]) => void
}

/** The text, or what the author knows beside it. */
function ContentChoice({ value, onChange }: ChoiceProps<'content'>) {
  const t = useTranslations('novels.export')
  return (
    <Radio.Group label={t('content')} value={value} onChange={onChange}>
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="xs" verticalSpacing="xs" mt="xs">
        {contents.map(each => (
          <Radio
            key={each}
            value={each}
            label={t(`contents.${each}`)}
            description={t(`contentHints.${each}`)}
          />
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}

function FormatChoice({ value, onChange }: ChoiceProps<'format'>) {
  const t = useTranslations('novels.export')
  const names = useTranslations('parts.export')
  return (
    <Radio.Group label={t('format')} value={value} onChange={onChange}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing="xs" mt="xs">
        {exportFormats.map(each => (
          <Radio key={each} value={each} label={names(`formats.${each}`)} description={t(`for.${each}`)} />
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}

function LayoutChoice({ value, onChange }: ChoiceProps<'layout'>) {
  const t = useTranslations('novels.export')
  return (
    <Radio.Group label={t('layout')} value={value} onChange={onChange}>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing="xs" mt="xs">
        {layouts.map(each => (
          <Radio
            key={each}
            value={each}
            label={t(`layouts.${each}`)}
            description={t(`layoutHints.${each}`)}
          />
        ))}
      </SimpleGrid>
    </Radio.Group>
  )
}

/** The whole novel, or from one chapter to another. */
function RangeChoice({ novel, value, onChange }: ChoiceProps<'range'> & { novel: NovelOutline }) {
  const t = useTranslations('novels.export')
  const ids = chaptersOf(novel).map(({ id }) => id)
  const whole = { from: ids[0] ?? '', to: ids.at(-1) ?? '' }
  // The end that was not chosen follows, so that the last chapter never comes before the first.
  const pick = (end: 'from' | 'to', id: string | null) => {
    if (id === null) return
    const ends = { ...whole, ...value, [end]: id }
    const { from, to } = ends
    onChange(ids.indexOf(from) <= ids.indexOf(to) ? { from, to } : { from: id, to: id })
  }
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t('which')}
        value={value === undefined ? 'whole' : 'some'}
        onChange={chosen => onChange(chosen === 'whole' ? undefined : whole)}
      >
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing="xs" mt="xs">
          <Radio value="whole" label={t('whole')} />
          <Radio value="some" label={t('some')} />
        </SimpleGrid>
      </Radio.Group>
      {value !== undefined && (
        <SimpleGrid cols={{ base: 1, xs: 2 }} verticalSpacing="xs">
          {(['from', 'to'] as const).map(end => (
            <ChapterSelect
              key={end}
              label={t(end)}
              novel={novel}
              value={value[end]}
              onChange={id => pick(end, id)}
              allowDeselect={false}
            />
          ))}
        </SimpleGrid>
      )}
    </Stack>
  )
}
