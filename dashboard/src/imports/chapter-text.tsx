import { Button, Checkbox, Divider, Group, Loader, Paper, Stack, Text, TextInput } from '@mantine/core'
import { IconCut } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { cut, merged, type PreviewEdit, renamed, withHeading } from './edits.ts'
import classes from './imports.module.css'
import type { ChapterRow } from './rows.ts'
import type { Preview } from './upload-query.ts'

type TextLine = components['schemas']['ChapterText']['lines'][number]

/** What the text of a chapter is shown with. */
interface Shown {
  uploadId: string
  encoding: string | undefined
  preview: Preview
  edits: readonly PreviewEdit[]
  /** Repeated lines that are left out. */
  removed: readonly string[]
  /** A line to be brought into view. */
  line: number | undefined
  onEdits: (edits: PreviewEdit[]) => void
}

interface ChapterTextProps extends Shown {
  row: ChapterRow
  /** The chapter of the file that is wanted: the row begins with it, or has it merged. */
  index: number
  name: string
  onClose: () => void
}

/** The text of a chapter as the file has it, where one sees whether its heading was found rightly, and where another chapter can begin. */
export function ChapterText({ row, index, name, onClose, ...shown }: ChapterTextProps) {
  const t = useTranslations('imports.text')
  const indexes = [row.index, ...row.merged]
  const [count, setCount] = useState(indexes.indexOf(index) + 1)
  return (
    <Dialog size="xl" title={name} onClose={onClose}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {shown.preview.isExported === true ? t('fixed') : t('how')}
        </Text>
        {indexes.slice(0, count).map((each, at) => (
          <FileChapter key={each} {...shown} index={each} isMerged={at > 0} />
        ))}
        {count < indexes.length && (
          <Button variant="default" onClick={() => setCount(count + 1)}>
            {t('nextMerged')}
          </Button>
        )}
      </Stack>
    </Dialog>
  )
}

/** Reads a chapter of the file part by part, up to a line that is wanted. */
function useText({ uploadId, encoding, line = 0 }: Shown, index: number) {
  const text = useInfiniteQuery({
    queryKey: keys.uploadText(uploadId, encoding, index),
    initialPageParam: 0,
    queryFn: ({ pageParam: from, signal }) => {
      const query = defined({ encoding, from })
      const path = { uploadId, index }
      return dataOf(api.GET('/v1/uploads/{uploadId}/chapters/{index}', { params: { path, query }, signal }))
    },
    getNextPageParam: page => page.next,
    staleTime: 'static',
    gcTime: 60_000,
  })
  const lines = text.data?.pages.flatMap(page => page.lines) ?? []
  const isBeyond = (lines.at(-1)?.line ?? line) < line
  const { hasNextPage, isFetching, fetchNextPage } = text
  useEffect(() => {
    if (isBeyond && hasNextPage && !isFetching) void fetchNextPage()
  }, [isBeyond, hasNextPage, isFetching, fetchNextPage])
  return { ...text, lines }
}

/** A chapter of the file, with what begins in it. */
function FileChapter(props: Shown & { index: number; isMerged: boolean }) {
  const { index, isMerged, preview } = props
  const t = useTranslations('imports.text')
  const text = useText(props, index)
  const title = preview.volumes.flatMap(volume => volume.chapters)[index]?.title
  if (text.error !== null && text.data === undefined)
    return <ErrorNotice error={text.error} onRetry={text.refetch} />
  if (text.data === undefined) return <Loader size="sm" aria-hidden />
  return (
    <Stack gap="xs" component="section" aria-label={title ?? ''}>
      {isMerged && <Text fw={600}>{title}</Text>}
      {text.lines.length === 0 && <Text c="dimmed">{t('empty')}</Text>}
      <Lines {...props} lines={text.lines} />
      {text.hasNextPage && (
        <Button variant="default" loading={text.isFetching} onClick={() => void text.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </Stack>
  )
}

type LinesProps = Shown & { index: number; lines: readonly TextLine[] }

function Lines(props: LinesProps) {
  const { index, lines, edits, line: wanted } = props
  const box = useRef<HTMLDivElement>(null)
  const [stop, setStop] = useState<number>()
  const [begun, setBegun] = useState<number>()
  const hasWanted = lines.some(({ line }) => line === wanted)
  useEffect(() => {
    if (hasWanted) box.current?.querySelector(`[data-line="${wanted}"]`)?.scrollIntoView({ block: 'center' })
  }, [hasWanted, wanted])
  const editAt = (line: number) => edits.find(each => each.index === index && each.line === line)
  const canCut = (at: number) => {
    const [before, own] = [lines[at - 1]?.line, lines[at]?.line]
    // Pieces of one line have one number.
    return before !== undefined && own !== undefined && before !== own && editAt(own) === undefined
  }
  const stops = lines.filter((_, at) => canCut(at)).map(({ line }) => line)
  const tabStop = stops.find(line => line === stop) ?? stops[0]
  let wordsBefore = 0
  return (
    <div ref={box} data-lines>
      {lines.map((line, at) => {
        const before = wordsBefore
        wordsBefore += line.words
        const previous = lines[at - 1]
        const edit = editAt(line.line)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a chapter stay where they are
          <div key={at} data-line={line.line}>
            {previous !== undefined && previous.scene !== line.scene && <SceneMark />}
            {edit !== undefined && previous?.line !== line.line && (
              <BeginsHere {...props} edit={edit} isNew={line.line === begun} />
            )}
            <LineOfText
              {...props}
              line={line}
              edit={edit}
              canCut={canCut(at)}
              isStop={line.line === tabStop}
              onFocus={() => setStop(line.line)}
              onBegin={() => setBegun(line.line)}
              wordsBefore={before}
            />
          </div>
        )
      })}
    </div>
  )
}

/** Leads the arrow keys from one place where a chapter may begin to the next. */
function moveAmongCuts(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined) return
  const lines = event.currentTarget.closest('[data-lines]')
  const all = [...(lines?.querySelectorAll<HTMLElement>('[data-cut]') ?? [])]
  event.preventDefault()
  all[all.indexOf(event.currentTarget) + step]?.focus()
}

function SceneMark() {
  const t = useTranslations('imports.text')
  return <Divider my="sm" label={t('scene')} />
}

type LineOfTextProps = Omit<LinesProps, 'lines' | 'line'> & {
  line: TextLine
  edit: PreviewEdit | undefined
  canCut: boolean
  isStop: boolean
  onFocus: () => void
  /** A chapter begins there now. */
  onBegin: () => void
  wordsBefore: number
}

/** A line, struck through where it is left out, and the button with which a chapter begins there. */
function LineOfText(props: LineOfTextProps) {
  const { index, line, edit, canCut, isStop, wordsBefore, preview, edits, removed } = props
  const t = useTranslations('imports.text')
  const repeated = line.repeated === undefined ? undefined : preview.repeated[line.repeated]?.line
  const isHeading = edit?.heading === true
  const isRemoved = repeated !== undefined && !isHeading && removed.includes(repeated)
  const isKept = repeated !== undefined && !isHeading && !isRemoved
  const begin = () => {
    const { text, words: ownWords } = line
    const title = preview.volumes.flatMap(volume => volume.chapters)[index]?.title ?? ''
    props.onBegin()
    props.onEdits(
      cut(edits, { index, line: line.line, text, wordsBefore, ownWords }, t('untitled', { title })),
    )
  }
  return (
    <Group
      wrap="nowrap"
      gap="xs"
      align="flex-start"
      className={`${classes['line']} ${line.isAfterBlank ? classes['afterBlank'] : ''}`}
    >
      {preview.isExported !== true && (
        <button
          type="button"
          className={classes['cut'] ?? ''}
          aria-label={t('beginAt', { text: line.text.trim().slice(0, 60) })}
          title={t('begin')}
          disabled={!canCut}
          tabIndex={isStop ? 0 : -1}
          onFocus={props.onFocus}
          onKeyDown={moveAmongCuts}
          onClick={begin}
          {...(canCut ? { 'data-cut': true } : {})}
        >
          {canCut && <IconCut size={16} aria-hidden />}
        </button>
      )}
      <Text
        component={isRemoved ? 'del' : 'span'}
        className={`${classes['long']} ${isRemoved ? classes['removed'] : isKept ? classes['repeated'] : ''}`}
        {...(isRemoved ? { td: 'line-through' } : {})}
        {...(isHeading ? { fw: 600, c: 'dimmed' } : {})}
      >
        {line.text}
      </Text>
    </Group>
  )
}

const takeFocus = (field: HTMLInputElement | null) => field?.focus({ preventScroll: true })

/** Says that a chapter begins at a line: its title, and whether the line is its heading. */
function BeginsHere({ edit, edits, onEdits, isNew }: Shown & { edit: PreviewEdit; isNew: boolean }) {
  const t = useTranslations('imports.text')
  const [title, setTitle] = useState(edit.title ?? '')
  return (
    <Paper withBorder p="sm" my="sm" className={classes['begins'] ?? ''}>
      <Group gap="sm" align="flex-end">
        <TextInput
          label={t('beginsHere')}
          flex="1 1 12rem"
          ref={isNew ? takeFocus : undefined}
          value={title}
          maxLength={300}
          autoComplete="off"
          onChange={({ currentTarget: { value } }) => {
            setTitle(value)
            if (value.trim() !== '') onEdits(renamed(edits, edit, value.trim()))
          }}
        />
        <Button variant="default" onClick={() => onEdits(merged(edits, edit))}>
          {t('undo')}
        </Button>
      </Group>
      <Checkbox
        mt="xs"
        label={t('isHeading')}
        checked={edit.heading === true}
        onChange={({ currentTarget }) => onEdits(withHeading(edits, edit, currentTarget.checked))}
      />
    </Paper>
  )
}
