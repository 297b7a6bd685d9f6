import { Grid, Stack, Switch, Text, TextInput } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslations } from 'use-intl'
import { codeOf } from '../api/client.ts'
import { Facts } from '../parts/facts.tsx'
import { PageFor } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Panel } from '../parts/panel.tsx'
import { useWriting } from '../text/format.ts'
import { Changes, RepeatedLines } from './changes.tsx'
import { ChapterList } from './chapter-list.tsx'
import { ChapterText } from './chapter-text.tsx'
import { type Choice, plannedImport, useChoice } from './choice.ts'
import { ConfirmBar } from './confirm-bar.tsx'
import { merged, type PreviewEdit, renamed, withVolume } from './edits.ts'
import { EncodingChoice } from './encoding-choice.tsx'
import classes from './imports.module.css'
import type { RowAct } from './row-actions.tsx'
import { type ChapterRow, chaptersOf, type Row, rowOf, rowsOf, withChapters } from './rows.ts'
import { SpendingChoice, useImportEstimate } from './spending-choice.tsx'
import { ConfirmedUpload, Reading, Unreadable, UploadNotFound } from './states.tsx'
import { type Preview, type Upload, useUpload } from './upload-query.ts'
import { Warnings } from './warnings.tsx'

/** What a file holds, to choose from before it becomes a novel. */
export function ImportPage() {
  const { uploadId } = useParams({ from: '/import/$uploadId' })
  return <ImportOf key={uploadId} uploadId={uploadId} />
}

function ImportOf({ uploadId }: { uploadId: string }) {
  const t = useTranslations('imports')
  const reading = useUpload(uploadId)
  return (
    <Page>
      <PageTitle title={t('title')} below={<About upload={reading.shown.data} />} />
      <Content uploadId={uploadId} reading={reading} />
    </Page>
  )
}

function About({ upload }: { upload: Upload | undefined }) {
  const t = useTranslations('imports')
  const writing = useWriting()
  if (upload === undefined) return null
  const file = { name: upload.fileName, size: writing.bytes(upload.bytes) }
  return t(upload.confirmation === undefined ? 'about' : 'file', file)
}

function Content({ uploadId, reading }: { uploadId: string; reading: ReturnType<typeof useUpload> }) {
  const { data: upload, error, refetch } = reading.shown
  if (error !== null && codeOf(error) === 'UPLOAD_NOT_FOUND') return <UploadNotFound />
  if (upload?.confirmation !== undefined) return <ConfirmedUpload confirmation={upload.confirmation} />
  if (upload?.preview !== undefined)
    return (
      <PageFor need="write">
        <ImportPreview upload={upload} preview={upload.preview} reading={reading} />
      </PageFor>
    )
  if (error !== null)
    return (
      <PageFor need="write">
        <Unreadable uploadId={uploadId} error={error} onRetry={refetch} />
      </PageFor>
    )
  return <Reading />
}

interface PreviewProps {
  upload: Upload
  preview: Preview
  reading: ReturnType<typeof useUpload>
}

/** What is in the file, to be corrected and chosen from, and the yes. */
function ImportPreview({ upload, preview, reading }: PreviewProps) {
  const t = useTranslations('imports')
  const inFile = useMemo(() => preview.volumes.flatMap(volume => volume.chapters), [preview])
  const [choice, change] = useChoice(upload.id, inFile.length)
  const { excluded, edits, removeLines } = choice
  const rows = useMemo(() => rowsOf(preview, { excluded, edits }), [preview, excluded, edits])
  const chapters = useMemo(() => chaptersOf(rows), [rows])
  const [wanted, setWanted] = useState<{ number: number; at: number }>()
  const [read, setRead] = useState<ReadPlace>()
  const chosen = { uploadId: upload.id, choice, chapters, encoding: reading.encoding }
  const estimate = useImportEstimate(plannedImport(chosen))
  const title = choice.title ?? preview.title
  return (
    <>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, md: 5 }}>
          <Stack gap="lg">
            <BookFacts preview={preview} title={title} onTitle={given => change({ title: given })} />
            {preview.kind !== 'archive' && <Encoding upload={upload} preview={preview} reading={reading} />}
            <Warnings
              warnings={preview.warnings}
              chapters={inFile}
              onShow={number => setWanted({ number, at: (wanted?.at ?? 0) + 1 })}
            />
            <RepeatedLines
              repeated={preview.repeated}
              removed={removeLines}
              onChange={lines => change({ removeLines: lines })}
              onShow={({ chapter, line }) => setRead({ index: chapter, line })}
            />
            <Changes edits={edits} preview={preview} onChange={changed => change({ edits: changed })} />
            <Switch
              label={t('reference')}
              description={t('referenceHint')}
              checked={choice.reference}
              onChange={({ currentTarget }) => change({ reference: currentTarget.checked })}
            />
            <SpendingChoice choice={choice} onChange={change} estimate={estimate} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}>
          {preview.archive === undefined ? (
            <Chapters
              rows={rows}
              preview={preview}
              choice={choice}
              onChange={change}
              onRead={setRead}
              wanted={wanted}
            />
          ) : (
            <ArchiveContents parts={preview.archive} />
          )}
        </Grid.Col>
      </Grid>
      {read !== undefined && (
        <ReadChapter
          {...{ upload, preview, choice, chapters, read }}
          encoding={reading.encoding}
          onEdits={changed => change({ edits: changed })}
          onClose={() => setRead(undefined)}
        />
      )}
      <ConfirmBar upload={upload} chosen={chosen} title={title} isBeingRead={reading.readAs.isPending} />
    </>
  )
}

/** A chapter whose text is read, by a place in the file. */
type ReadPlace = Pick<ChapterRow, 'index' | 'line'>

interface ReadChapterProps {
  upload: Upload
  preview: Preview
  choice: Choice
  chapters: readonly ChapterRow[]
  read: ReadPlace
  encoding: string | undefined
  onEdits: (edits: PreviewEdit[]) => void
  onClose: () => void
}

/** The text of the chapter that a place is in, as it is while it is cut. */
function ReadChapter({ upload, preview, choice, chapters, read, ...rest }: ReadChapterProps) {
  const t = useTranslations('imports.edits')
  const row = rowOf(chapters, read.index)
  if (row === undefined) return null
  return (
    <ChapterText
      {...rest}
      uploadId={upload.id}
      preview={preview}
      edits={choice.edits}
      removed={choice.removeLines}
      row={row}
      index={read.index}
      name={row.title === '' ? t('untitled', { number: row.position + 1 }) : row.title}
      line={read.line}
    />
  )
}

function Encoding({ preview, reading: { encoding, readAs } }: PreviewProps) {
  return (
    <EncodingChoice
      kind={preview.kind}
      encoding={preview.encoding}
      isChosen={encoding !== undefined}
      isBusy={readAs.isPending}
      error={readAs.error}
      onChoose={readAs.mutate}
    />
  )
}

interface ChaptersProps {
  rows: readonly Row[]
  preview: Preview
  choice: Choice
  onChange: ReturnType<typeof useChoice>[1]
  onRead: (place: ReadPlace) => void
  wanted: { number: number; at: number } | undefined
}

/** Returns the edits after an act. What is done to a volume is done where its first chapter begins. */
function editsAfter(
  edits: readonly PreviewEdit[],
  acted: Exclude<RowAct, { kind: 'read' }>,
  newVolume: string,
): readonly PreviewEdit[] {
  const { row } = acted
  const place = row.kind === 'chapter' ? row : row.chapters[0]
  if (place === undefined) return edits
  if (acted.kind === 'merge') return merged(edits, place)
  if (acted.kind === 'beginVolume') return withVolume(edits, place, newVolume)
  if (acted.kind === 'endVolume') return withVolume(edits, place, null)
  return row.kind === 'volume' ? withVolume(edits, place, acted.title) : renamed(edits, place, acted.title)
}

function Chapters({ rows, preview, choice, onChange, onRead, wanted }: ChaptersProps) {
  const t = useTranslations('imports.edits')
  const warned = useMemo(
    () => new Set(preview.warnings.flatMap(({ chapter }) => (chapter === undefined ? [] : [chapter]))),
    [preview],
  )
  const act = (acted: RowAct) =>
    acted.kind === 'read'
      ? onRead(acted.row)
      : onChange({ edits: editsAfter(choice.edits, acted, t('newVolume')) })
  return (
    <ChapterList
      rows={rows}
      warned={warned}
      isFixed={preview.isExported === true}
      wanted={wanted}
      onChoose={(chapters, isChosen) => onChange(withChapters(choice, chapters, isChosen))}
      onAct={act}
    />
  )
}

/** What is in the archive of a novel beside its texts. */
function ArchiveContents({ parts }: { parts: NonNullable<Preview['archive']> }) {
  const t = useTranslations('imports.archive')
  const writing = useWriting()
  return (
    <Panel title={t('title')}>
      <Stack gap="sm">
        <Text>{t('text')}</Text>
        <Facts facts={archivedParts.map(part => [t(part), parts[part] > 0 && writing.number(parts[part])])} />
      </Stack>
    </Panel>
  )
}

const archivedParts = [
  'summaries',
  'versions',
  'candidates',
  'entries',
  'threads',
  'snapshots',
  'binned',
] as const

interface BookFactsProps {
  preview: Preview
  /** As it stands in the field. */
  title: string
  onTitle: (title: string) => void
}

/** What the book is: its title, which can be corrected, its author, and how long it is. */
function BookFacts({ preview, title, onTitle }: BookFactsProps) {
  const t = useTranslations()
  const chapters = preview.volumes.flatMap(volume => volume.chapters)
  const words = chapters.reduce((sum, chapter) => sum + chapter.words, 0)
  return (
    <Stack gap="xs">
      <TextInput
        label={t('imports.bookTitle')}
        className={classes['title'] ?? ''}
        size="md"
        value={title}
        onChange={({ currentTarget }) => onTitle(currentTarget.value)}
        error={title.trim() === '' ? t('imports.titleMissing') : undefined}
        maxLength={300}
        autoComplete="off"
      />
      {preview.author !== undefined && <Text>{t('imports.by', { author: preview.author })}</Text>}
      <Text size="sm" c="dimmed" className="numbers">
        {preview.volumes.length > 1 && `${t('units.volumes', { count: preview.volumes.length })} · `}
        {t('units.chapters', { count: chapters.length })} · {t('units.words', { count: words })}
      </Text>
    </Stack>
  )
}
