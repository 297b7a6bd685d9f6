import { Badge, Button, Fieldset, Group, Stack, Text, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import { liveStatuses, type Task } from '../api/task.ts'
import { useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { LongText } from '../parts/long-text.tsx'
import { useNotifyError } from '../parts/notify.tsx'
import { Panel } from '../parts/panel.tsx'
import { textField } from '../parts/subject.ts'
import { signalTask, useTasks } from '../queries/task-queries.ts'
import { chaptersOf, type NovelOutline } from './novel.ts'
import { novelTag } from './novel-tasks.ts'

/** A chapter that is planned. */
interface ChapterOutline {
  title: string
  scenes: readonly { title: string; summary: string }[]
}

/** The progress of the task that plans. */
interface Planned {
  outlines?: readonly (ChapterOutline & { decision: 'open' | 'approved' | 'rejected' })[]
}

const noOutlines: NonNullable<Planned['outlines']> = []

const planning = 'GenerateNextSummaries'
const reviewing = 'ReviewChapter'

/** What waits for the author of a novel: plans of chapters, and chapters that were written. Nothing where nothing does. */
export function Reviews({ novel }: { novel: NovelOutline }) {
  const { data = [] } = useTasks(
    { tag: novelTag(novel.id), taskType: [planning, reviewing], status: [...liveStatuses], pageSize: 20 },
    { queryKey: [...keys.taskLists, { reviewsOf: novel.id }] },
  )
  return data
    .filter(({ done }) => !done)
    .map(task =>
      task.taskType === planning ? (
        <PlanReview key={task.id} task={task} language={novel.language} />
      ) : (
        <ChapterReview key={task.id} task={task} novel={novel} />
      ),
    )
}

/** Sends what the author decided to the task that waits for it. */
function useReview(taskId: string) {
  const queries = useQueryClient()
  const notifyError = useNotifyError()
  const key = useRequestKey()
  return useMutation({
    async mutationFn(payloads: readonly object[]) {
      for (const payload of payloads) await signalTask(taskId, { name: 'review', payload }, key.of(payload))
    },
    onSuccess: key.answered,
    onError: notifyError,
    onSettled: () => queries.invalidateQueries({ queryKey: keys.taskLists }),
  })
}

function ChapterReview({ task, novel }: { task: Task; novel: NovelOutline }) {
  const t = useTranslations('novels.reviews')
  const { mutate, isPending } = useReview(task.id)
  if (task.status !== 'RETRYING' || task.waitingFor?.kind !== 'signal') return null
  const chapterId = textField(task.parameters, 'chapterId') ?? ''
  const title = chaptersOf(novel).find(({ id }) => id === chapterId)?.title ?? ''
  return (
    <Panel title={t('chapter', { title })}>
      <Text size="sm">{t('chapterText')}</Text>
      <Group gap="xs">
        <ButtonLink
          to="/novels/$novelId/chapters/$chapterId"
          params={{ novelId: novel.id, chapterId }}
          variant="default"
          size="xs"
        >
          {t('read')}
        </ButtonLink>
        <Button size="xs" loading={isPending} onClick={() => mutate([{ decision: 'approve' }])}>
          {t('goOn')}
        </Button>
        <Button
          size="xs"
          variant="default"
          disabled={isPending}
          onClick={() => mutate([{ decision: 'reject' }])}
        >
          {t('stop')}
        </Button>
      </Group>
    </Panel>
  )
}

/** Returns the outlines that a task last showed. At each decision it runs from its start, and shows none until it is here again. */
function useShownOutlines({ progress }: Task): NonNullable<Planned['outlines']> {
  const { outlines = noOutlines } = (progress ?? {}) as Planned
  const [shown, setShown] = useState(outlines)
  if (outlines.length > 0 && outlines !== shown) setShown(outlines)
  return outlines.length > 0 ? outlines : shown
}

/** A plan of chapters. It stays while its task runs, for what is typed in other chapters stays with it. */
function PlanReview({ task, language }: { task: Task; language: string | undefined }) {
  const t = useTranslations('novels.reviews')
  const outlines = useShownOutlines(task)
  // What is typed, by the place of its chapter.
  const [typed, setTyped] = useState<Readonly<Record<number, ChapterOutline>>>({})
  const { mutate, isPending } = useReview(task.id)
  const chapters = outlines.map(({ decision, title, scenes }, at) => {
    const outline = (decision === 'open' ? typed[at] : undefined) ?? { title, scenes }
    return { decision, outline, approval: { decision: 'approve', chapter: at + 1, outline } }
  })
  const open = chapters.filter(({ decision }) => decision === 'open')
  const question = useUnsaved(outlines.some(({ decision }, at) => decision === 'open' && at in typed))
  if (open.length === 0) return null
  return (
    <Panel gap="lg" title={t('plan')}>
      {question}
      <Text size="sm">{t('planText')}</Text>
      {chapters.map(({ approval, ...chapter }) => (
        <ChapterPlan
          key={approval.chapter}
          {...chapter}
          number={approval.chapter}
          language={language}
          isBusy={isPending}
          onType={outline => setTyped(now => ({ ...now, [approval.chapter - 1]: outline }))}
          onApprove={() => mutate([approval])}
          onReject={() => mutate([{ decision: 'reject', chapter: approval.chapter }])}
        />
      ))}
      {open.length > 1 && open.every(({ outline }) => isWhole(outline)) && (
        <Group>
          <Button size="xs" loading={isPending} onClick={() => mutate(open.map(({ approval }) => approval))}>
            {t('approveAll', { count: open.length })}
          </Button>
        </Group>
      )}
    </Panel>
  )
}

function isWhole({ title, scenes }: ChapterOutline): boolean {
  return [title, ...scenes.flatMap(scene => [scene.title, scene.summary])].every(text => text.trim() !== '')
}

interface ChapterPlanProps {
  outline: ChapterOutline
  decision: 'open' | 'approved' | 'rejected'
  number: number
  language: string | undefined
  isBusy: boolean
  onType: (outline: ChapterOutline) => void
  onApprove: () => void
  onReject: () => void
}

/** One chapter of a plan, to be changed where it stands. */
function ChapterPlan(props: ChapterPlanProps) {
  const { outline, decision, number, language, isBusy, onType, onApprove, onReject } = props
  const t = useTranslations('novels.reviews')
  const { title, scenes } = outline
  const label = t('planned', { number })
  return (
    <Form aria-label={label} onSubmit={onApprove}>
      <Fieldset variant="unstyled" disabled={decision !== 'open'} lang={language}>
        <Stack gap="xs">
          <TextInput
            label={label}
            value={title}
            maxLength={300}
            onChange={({ currentTarget }) => onType({ scenes, title: currentTarget.value })}
          />
          {keyed(scenes).map(({ key, scene }, place) => (
            <SceneFields
              key={key}
              scene={scene}
              number={place + 1}
              onChange={part => onType({ title, scenes: scenes.with(place, { ...scene, ...part }) })}
            />
          ))}
        </Stack>
      </Fieldset>
      <Group gap="xs" mt="xs">
        {decision === 'open' ? (
          <>
            <Button type="submit" size="xs" loading={isBusy} disabled={!isWhole(outline)}>
              {t('approve')}
            </Button>
            <Button size="xs" variant="default" disabled={isBusy} onClick={onReject}>
              {t('reject')}
            </Button>
          </>
        ) : (
          <Badge variant="light">{t(decision)}</Badge>
        )}
      </Group>
    </Form>
  )
}

/** A scene is known by its place, for its words are typed. */
function keyed(scenes: ChapterOutline['scenes']) {
  return scenes.map((scene, place) => ({ key: `scene ${place}`, scene }))
}

interface SceneFieldsProps {
  scene: ChapterOutline['scenes'][number]
  number: number
  onChange: (part: Partial<ChapterOutline['scenes'][number]>) => void
}

function SceneFields({ scene, number, onChange }: SceneFieldsProps) {
  const t = useTranslations('novels.reviews')
  return (
    <Stack gap={4}>
      <TextInput
        label={t('scene', { number })}
        value={scene.title}
        maxLength={300}
        onChange={({ currentTarget }) => onChange({ title: currentTarget.value })}
      />
      <LongText
        aria-label={t('summary', { number })}
        maxRows={12}
        maxLength={2_000}
        value={scene.summary}
        onType={text => onChange({ summary: text })}
      />
    </Stack>
  )
}
