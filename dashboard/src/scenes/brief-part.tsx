import { Badge, Blockquote, Button, Group, List, Loader, Spoiler, Stack, Text, Title } from '@mantine/core'
import { IconNotes, IconRefresh } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { type Task, wordsOf } from '../api/task.ts'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Empty, ErrorNotice, Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import type { Scene, SceneTasks } from '../queries/novel-queries.ts'
import { useTask } from '../queries/task-queries.ts'
import { useSubmit } from './scene-writes.ts'

/** What a brief of a scene holds. */
interface Brief {
  beats: string[]
  people: string[]
  places: string[]
  otherNames: string[]
  passages: { sceneId: string; chapterId: string; chapterTitle: string; start: number; text: string }[]
  openQuestions: string[]
}

/** Notes to write a scene by hand, made of the author's own words. Those that were made stay where the next making fails or is stopped. */
export function BriefPart({ scene, tasks }: { scene: Scene; tasks: SceneTasks }) {
  const t = useTranslations('scenes.brief')
  const making = tasks.newest('SceneBrief')
  const made = tasks.newestCompleted('SceneBrief')
  if (making?.done === false)
    return (
      <Group gap="xs" role="status">
        <Loader size="sm" aria-hidden />
        <Text>{t('making')}</Text>
      </Group>
    )
  return (
    <Stack>
      {making?.errorInfo !== undefined && <Text c="red">{wordsOf(making.errorInfo)}</Text>}
      {made === undefined ? <NoBrief scene={scene} /> : <MadeBrief scene={scene} task={made} />}
    </Stack>
  )
}

function NoBrief({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes.brief')
  const hasSummary = (scene.summary?.text ?? '').trim() !== ''
  return (
    <Empty title={t('emptyTitle')} text={hasSummary ? t('emptyText') : t('needsSummary')}>
      {hasSummary && (
        <May need="write">
          <MakeBrief scene={scene} label={t('make')} />
        </May>
      )}
    </Empty>
  )
}

function MakeBrief({ scene, label }: { scene: Scene; label: string }) {
  const submit = useSubmit(scene.id)
  return (
    <>
      <Button
        variant="default"
        loading={submit.isPending}
        leftSection={<IconRefresh size={16} aria-hidden />}
        onClick={() =>
          submit.mutate({
            taskType: 'SceneBrief',
            parameters: { novelId: scene.novelId, sceneId: scene.id },
          })
        }
      >
        {label}
      </Button>
      {submit.error !== null && <ErrorNotice error={submit.error} />}
    </>
  )
}

/** A listing leaves out what is large, so the task is read by itself. */
function MadeBrief({ scene, task }: { scene: Scene; task: Task }) {
  const t = useTranslations('scenes.brief')
  const { data, error, refetch } = useTask(task.id)
  if (error !== null || data?.result === undefined)
    return <Pending error={error} onRetry={refetch} lines={8} />
  return (
    <Stack gap="lg" data-brief>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <IconNotes size={16} aria-hidden />
          <Text size="sm" c="dimmed">
            {t('label')}
            {task.timestamps.completedAt !== undefined && (
              <>
                {' · '}
                <Ago at={task.timestamps.completedAt} />
              </>
            )}
          </Text>
        </Group>
        <May need="write">
          <MakeBrief scene={scene} label={t('makeAgain')} />
        </May>
      </Group>
      <BriefText brief={data.result as Brief} scene={scene} />
    </Stack>
  )
}

function BriefText({ brief, scene }: { brief: Brief; scene: Scene }) {
  const t = useTranslations('scenes.brief')
  return (
    <>
      <Section title={t('beats')}>
        <List type="ordered" spacing="xs">
          {brief.beats.map(beat => (
            <List.Item key={beat}>{beat}</List.Item>
          ))}
        </List>
      </Section>
      <Names title={t('people')} names={brief.people} />
      <Names title={t('places')} names={brief.places} />
      <Names title={t('otherNames')} names={brief.otherNames} />
      {brief.openQuestions.length > 0 && (
        <Section title={t('openQuestions')}>
          <List spacing="xs">
            {brief.openQuestions.map(question => (
              <List.Item key={question}>{question}</List.Item>
            ))}
          </List>
        </Section>
      )}
      {brief.passages.length > 0 && (
        <Section title={t('passages')}>
          {brief.passages.map(passage => (
            <Blockquote key={`${passage.sceneId} ${passage.start}`} p="sm" color="gray">
              <Spoiler maxHeight={140} showLabel={t('showAll')} hideLabel={t('showLess')}>
                <Text className="prose" size="sm">
                  {passage.text}
                </Text>
              </Spoiler>
              <TextLink
                size="xs"
                to="/novels/$novelId/scenes/$sceneId"
                params={{ novelId: scene.novelId, sceneId: passage.sceneId }}
              >
                {passage.chapterTitle}
              </TextLink>
            </Blockquote>
          ))}
        </Section>
      )}
    </>
  )
}

function Names({ title, names }: { title: string; names: string[] }) {
  if (names.length === 0) return null
  return (
    <Section title={title}>
      <Group gap="xs">
        {names.map(name => (
          <Badge key={name} variant="light" size="lg">
            {name}
          </Badge>
        ))}
      </Group>
    </Section>
  )
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack gap="xs">
      <Title order={2}>{title}</Title>
      {children}
    </Stack>
  )
}
