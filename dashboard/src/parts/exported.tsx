import { Button, Group, Stack, Text } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { type Task, wordsOf } from '../api/task.ts'
import { submitTask, useAddTask, useTasks } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'
import { download } from './export-text.tsx'
import { TextLink } from './links.tsx'
import { ProgressBar, stepsOf } from './progress.tsx'
import { ErrorNotice } from './states.tsx'
import { StatusBadge } from './status-badge.tsx'
import { textField } from './subject.ts'
import { useNow } from './time.tsx'

/** The formats that a novel is exported in. */
export const exportFormats = ['docx', 'odt', 'epub', 'md', 'txt', 'archive'] as const

/** Those of them that can be laid out as a manuscript. */
export const laidOutFormats: readonly string[] = ['docx', 'odt']

type ExportFile = components['schemas']['ExportNovel.result'] | components['schemas']['ExportUser.result']

const exportTypes = ['ExportNovel', 'ExportUser'] as const

/** Returns the file that an export made; undefined of one that has made none, and of other tasks. */
function fileOf({ taskType, result }: Task): ExportFile | undefined {
  const isFile = exportTypes.some(type => type === taskType) && textField(result, 'exportId') !== undefined
  return isFile ? (result as ExportFile) : undefined
}

const isGone = ({ expiresAt }: ExportFile, now: number) => Date.parse(expiresAt) <= now

/** Exports that are read: the newest ones. */
const mostRead = 10

/** Reads the newest exports and submits new ones, for which a person waits. `tag`: of what they are. `begun`: the ids of those that were submitted here. */
export function useExports(taskType: (typeof exportTypes)[number], tag?: string) {
  const queries = useQueryClient()
  const queryKey = [...keys.taskLists, { exports: taskType, tag }]
  const filter = { taskType: [taskType], pageSize: mostRead, ...defined({ tag }) }
  const { data: tasks, error, refetch } = useTasks(filter, { queryKey, refetchOnMount: 'always' })
  const add = useAddTask(queryKey)
  const key = useRequestKey()
  const [begun, setBegun] = useState<readonly string[]>([])
  const begin = useMutation({
    mutationFn(parameters: object) {
      const submission = { taskType, lane: 'default', parameters }
      return submitTask(submission, key.of(submission))
    },
    onSuccess(task) {
      key.answered()
      add(task)
      setBegun(all => [...all, task.id])
      void queries.invalidateQueries({ queryKey: keys.taskLists })
    },
  })
  return { tasks, begin, begun, error, refetch }
}

/** Exports that are shown of a novel; the list of tasks has all. */
const mostShown = 3

/** Returns the exports that a person may want to see, of the newest: those that run, those whose file is there, and the last one however it ended. */
export function useExportsToShow(newest: readonly Task[]): readonly Task[] {
  const now = useNow()
  const last = newest.findIndex(task => fileOf(task) !== undefined)
  const wanted = newest.filter((task, at) => {
    const file = fileOf(task)
    // An archive of all that a user has takes the place of the one before.
    const isReplaced = task.taskType === 'ExportUser' && at > last
    return !task.done || (file === undefined ? at === 0 : !isReplaced && !isGone(file, now))
  })
  return wanted.slice(0, mostShown)
}

interface ExportRowProps {
  task: Task
  /** The file is downloaded by itself as soon as it is there. */
  isAwaited: boolean
}

/** An export: how far it is; then its file, or why there is none. */
export function ExportRow({ task, isAwaited }: ExportRowProps) {
  const t = useTranslations('parts.export')
  const asked = textField(task.parameters, 'format')
  const format = exportFormats.find(each => each === asked)
  const file = fileOf(task)
  const hasFailed = task.done && task.status !== 'COMPLETED'
  return (
    <Stack gap={4} data-export={task.status}>
      <Group justify="space-between" gap="xs">
        <Text fw={600}>{file?.fileName ?? (format === undefined ? t('file') : t(`formats.${format}`))}</Text>
        {file === undefined && <StatusBadge {...task} />}
      </Group>
      {file === undefined && !hasFailed && <ExportProgress task={task} />}
      <Stack gap="xs" aria-live="polite">
        {file !== undefined && <FileLine task={task} file={file} isAwaited={isAwaited} />}
        {hasFailed && <Failed task={task} />}
      </Stack>
    </Stack>
  )
}

function ExportProgress({ task }: { task: Task }) {
  const t = useTranslations('parts.export')
  const { done = 0, total = 0 } = stepsOf(task) ?? {}
  const steps = t(task.taskType === 'ExportUser' ? 'novels' : 'chapters', { done, total })
  const step = total > 0 ? steps : t('begins')
  return <ProgressBar done={done} total={total} label={t('progress')} step={step} />
}

function Failed({ task: { id: taskId, status, errorInfo } }: { task: Task }) {
  const t = useTranslations('parts.export')
  return (
    <Text size="sm">
      {status === 'CANCELLED' ? t('cancelled') : (wordsOf(errorInfo) ?? t('failed'))}{' '}
      <TextLink to="/tasks/$taskId" params={{ taskId }} inherit underline="always">
        {t('toTask')}
      </TextLink>
    </Text>
  )
}

/** The file that an export made, to be downloaded. Nothing for another task. */
export function ExportedFile({ task }: { task: Task }) {
  const file = fileOf(task)
  return file === undefined ? null : <FileLine task={task} file={file} isAwaited={false} />
}

interface FileLineProps extends ExportRowProps {
  file: ExportFile
}

function FileLine({ task, file, isAwaited }: FileLineProps) {
  const t = useTranslations('parts')
  const actions = useTranslations('actions')
  const writing = useWriting()
  const now = useNow()
  const { mutate, isPending, isSuccess, error } = useDownload()
  const isAsked = useRef(false)
  useEffect(() => {
    if (!isAwaited || isAsked.current) return
    isAsked.current = true
    mutate(file)
  }, [isAwaited, file, mutate])
  const { fileName, bytes, chapters, expiresAt } = file
  if (isGone(file, now)) return <Text size="sm">{t('export.gone')}</Text>
  const content = textField(task.parameters, 'content') ?? 'text'
  const [size, until] = [writing.bytes(bytes), writing.dateTime(expiresAt)]
  const action = t(isSuccess ? 'export.again' : 'download')
  return (
    <>
      <Group justify="space-between" gap="xs">
        <Text size="sm" c="dimmed" className="numbers">
          {'novels' in file
            ? t('export.aboutAll', { size, until, novels: file.novels, tasks: file.tasks })
            : t('export.about', { size, until, chapters, content })}
        </Text>
        <Button
          size="xs"
          variant={isSuccess ? 'default' : 'light'}
          leftSection={<IconDownload size={16} aria-hidden />}
          loading={isPending}
          aria-label={actions('named', { action, name: fileName })}
          onClick={() => mutate(file)}
        >
          {action}
        </Button>
      </Group>
      {'missing' in file && file.missing > 0 && (
        <Text size="sm">{t('export.missing', { count: file.missing })}</Text>
      )}
      {error !== null && <ErrorNotice error={error} />}
    </>
  )
}

/** Reads the file of an export, with the token that every request carries, and has the browser save it. */
function useDownload() {
  return useMutation({
    async mutationFn({ exportId, fileName, mediaType }: ExportFile) {
      const params = { path: { exportId } }
      const content = await dataOf(api.GET('/v1/exports/{exportId}/file', { params, parseAs: 'blob' }))
      download(fileName, content, mediaType)
    },
  })
}
