import { Button, Group, Menu, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconBookmark,
  IconCamera,
  IconDots,
  IconFeather,
  IconFilePlus,
  IconPencil,
  IconPlayerTrackNext,
  IconQuote,
  IconReplace,
  IconTrash,
  IconTrashX,
} from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { Task } from '../api/task.ts'
import { Confirm } from '../parts/dialog.tsx'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { notifyUndoable, useNotifyError } from '../parts/notify.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Panel } from '../parts/panel.tsx'
import { TaskProgress } from '../parts/progress.tsx'
import { usePutBack } from '../parts/put-back.ts'
import { ReferenceBadge } from '../parts/reference-notice.tsx'
import { Pending } from '../parts/states.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useTaskTypeName } from '../parts/task-name.tsx'
import { useOutline } from '../queries/novel-queries.ts'
import { useTask } from '../queries/task-queries.ts'
import { useLanguageName } from '../text/format.ts'
import { Bin } from './bin.tsx'
import { ContinueStory } from './continue-story.tsx'
import { ExportButton } from './export-dialog.tsx'
import { chaptersOf, type NovelOutline } from './novel.ts'
import { NovelState } from './novel-state.tsx'
import { novelTag, useFollowNovel, useLiveTasks } from './novel-tasks.ts'
import { Outline } from './outline.tsx'
import { readPlace } from './reading-place.ts'
import { References, ReferencesNotice } from './references.tsx'
import { RenameNovel } from './rename-novel.tsx'
import { ReplaceWords } from './replace-words.tsx'
import { Reviews } from './reviews.tsx'
import { NovelSearchBox } from './search-box.tsx'
import { SearchResults } from './search-results.tsx'
import { Snapshots } from './snapshots.tsx'
import { StorySoFar } from './story-so-far.tsx'
import { TargetProgress } from './target-words.tsx'
import { WriteScenes } from './write-scenes.tsx'

const route = getRouteApi('/novels/$novelId')

/** A novel: its outline, its search, its state. */
export function NovelPage() {
  const { novelId } = route.useParams()
  // Another novel is another page: nothing that was typed for one is for the other.
  return <NovelById key={novelId} novelId={novelId} />
}

function NovelById({ novelId }: { novelId: string }) {
  const t = useTranslations('novels')
  const { data: novel, error, refetch } = useOutline(novelId)
  if (novel !== undefined) return <ShownNovel novel={novel} />
  return (
    <Page>
      <PageTitle title={t('title')} />
      <Pending error={error} onRetry={refetch} lines={8} />
    </Page>
  )
}

function ShownNovel({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels')
  const { q } = route.useSearch()
  useFollowNovel(novel.id)
  return (
    <Page>
      <PageTitle title={novel.title} below={<NovelFacts novel={novel} />}>
        <ReadOn novel={novel} />
        <ButtonLink to="/novels/$novelId/codex" params={{ novelId: novel.id }} variant="default">
          {t('codex')}
        </ButtonLink>
        <ButtonLink to="/novels/$novelId/threads" params={{ novelId: novel.id }} variant="default">
          {t('threads')}
        </ButtonLink>
        <ButtonLink to="/novels/$novelId/style" params={{ novelId: novel.id }} variant="default">
          {t('style')}
        </ButtonLink>
        <May need="write">
          <ExportButton novel={novel} />
          <NovelMenu novel={novel} />
        </May>
      </PageTitle>
      <ReferencesNotice novel={novel} />
      <TargetProgress words={novel.words} target={novel.targetWords} />
      <NowWorking novelId={novel.id} />
      <May need="write">
        <Reviews novel={novel} />
      </May>
      <NovelSearchBox novelId={novel.id} />
      {q === undefined ? (
        <>
          <NovelState novel={novel} />
          <StorySoFar novel={novel} />
          <Outline novel={novel} />
        </>
      ) : (
        <SearchResults novel={novel} query={q} />
      )}
    </Page>
  )
}

function NovelMenu({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels')
  const parts = useTranslations('additions')
  const navigate = useNavigate()
  const [isAsking, asking] = useDisclosure()
  const [isWriting, writing] = useDisclosure()
  const [isContinuing, continuing] = useDisclosure()
  const [isNaming, naming] = useDisclosure()
  const [isRenaming, renaming] = useDisclosure()
  const [isReferring, referring] = useDisclosure()
  const [isBinOpen, bin] = useDisclosure()
  const [isReplacing, replacing] = useDisclosure()
  return (
    <Group>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px="xs" aria-label={t('menu')} title={t('menu')}>
            <IconDots size={18} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {novel.reference !== true && (
            <>
              <Menu.Item leftSection={<IconFeather size={16} aria-hidden />} onClick={writing.open}>
                {t('write.open')}
              </Menu.Item>
              <Menu.Item
                leftSection={<IconPlayerTrackNext size={16} aria-hidden />}
                onClick={continuing.open}
              >
                {t('continue.open')}
              </Menu.Item>
            </>
          )}
          <Menu.Item
            leftSection={<IconFilePlus size={16} aria-hidden />}
            onClick={() => void navigate({ to: '/novels/$novelId/append', params: { novelId: novel.id } })}
          >
            {parts('open')}
          </Menu.Item>
          <Menu.Item leftSection={<IconCamera size={16} aria-hidden />} onClick={naming.open}>
            {t('snapshots.title')}
          </Menu.Item>
          <Menu.Item leftSection={<IconPencil size={16} aria-hidden />} onClick={renaming.open}>
            {t('names.open')}
          </Menu.Item>
          <Menu.Item leftSection={<IconQuote size={16} aria-hidden />} onClick={referring.open}>
            {t('references.open')}
          </Menu.Item>
          <Menu.Item leftSection={<IconReplace size={16} aria-hidden />} onClick={replacing.open}>
            {t('replace.open')}
          </Menu.Item>
          <Menu.Item leftSection={<IconTrashX size={16} aria-hidden />} onClick={bin.open}>
            {t('bin.title')}
          </Menu.Item>
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={asking.open}>
            {t('delete.open')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isWriting && <WriteScenes novel={novel} onClose={writing.close} />}
      {isContinuing && <ContinueStory novel={novel} onClose={continuing.close} />}
      {isNaming && <Snapshots novel={novel} onClose={naming.close} />}
      {isRenaming && <RenameNovel novel={novel} onClose={renaming.close} />}
      {isReferring && <References novel={novel} onClose={referring.close} />}
      {isReplacing && <ReplaceWords novel={novel} onClose={replacing.close} />}
      {isBinOpen && <Bin novel={novel} onClose={bin.close} />}
      {isAsking && <DeleteNovel novel={novel} onClose={asking.close} />}
    </Group>
  )
}

/** Who wrote it, in which language, and how long it is. */
function NovelFacts({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('units')
  const languageName = useLanguageName()
  const { author, language, words, chapters, scenes, volumes } = novel
  const facts = [
    author,
    languageName(language) ?? language,
    volumes > 1 ? t('volumes', { count: volumes }) : undefined,
    t('chapters', { count: chapters }),
    t('scenes', { count: scenes }),
    t('words', { count: words }),
  ]
  return (
    <span className="numbers">
      {facts.filter(fact => fact !== undefined).join(' · ')} {novel.reference === true && <ReferenceBadge />}
    </span>
  )
}

/** Leads to where the person was reading, or to the beginning. */
function ReadOn({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels')
  const chapters = chaptersOf(novel)
  const place = readPlace(novel.id)
  const last = chapters.find(({ id }) => id === place?.chapterId)
  const chapter = last ?? chapters[0]
  if (chapter === undefined) return null
  return (
    <ButtonLink
      to="/novels/$novelId/chapters/$chapterId"
      params={{ novelId: novel.id, chapterId: chapter.id }}
      leftSection={<IconBookmark size={18} aria-hidden />}
    >
      {last === undefined ? t('readFirst') : t('readOn')}
    </ButtonLink>
  )
}

/** Tasks that are shown with their progress; the others are a link away. */
const shown = 3

/** What is being done with the novel now. Nothing where nothing is. */
function NowWorking({ novelId }: { novelId: string }) {
  const t = useTranslations('novels.working')
  const tasks = useLiveTasks(novelId)
  if (tasks.length === 0) return null
  return (
    <Panel title={t('title')}>
      {tasks.slice(0, shown).map(task => (
        <WorkingTask key={task.id} task={task} />
      ))}
      {tasks.length > shown && (
        <TextLink
          to="/tasks"
          search={{ tag: novelTag(novelId), status: ['QUEUED', 'RUNNING', 'RETRYING'] }}
          size="sm"
        >
          {t('more', { count: tasks.length - shown })}
        </TextLink>
      )}
    </Panel>
  )
}

function WorkingTask({ task: listed }: { task: Task }) {
  const t = useTranslations('novels.working')
  // A list does not say whether the tasks below wait for the budget.
  const { data: task = listed } = useTask(listed.id)
  const typeName = useTaskTypeName()
  return (
    <Stack gap={4} data-task={task.id}>
      <Group justify="space-between" gap="xs">
        <TextLink to="/tasks/$taskId" params={{ taskId: task.id }}>
          {typeName(task.taskType)}
        </TextLink>
        <StatusBadge {...task} />
      </Group>
      {task.waitingFor?.kind === 'budget' && <Text size="sm">{t('waitsForBudget')}</Text>}
      <TaskProgress task={task} />
    </Stack>
  )
}

/** Asks before a novel goes into the bin, and says what is stopped. */
function DeleteNovel({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.delete')
  const working = useLiveTasks(novel.id)
  const { mutate, isPending } = useDelete(novel)
  return (
    <Confirm
      title={t('title')}
      action={t('action')}
      isDangerous
      isBusy={isPending}
      onConfirm={mutate}
      onClose={onClose}
    >
      <Stack gap="xs">
        <Text>{t('text')}</Text>
        {working.length > 0 && <Text>{t('working', { count: working.length })}</Text>}
      </Stack>
    </Confirm>
  )
}

/** Puts a novel into the bin, which first stops what works on it, and shows the shelf, from where that is undone. */
function useDelete(novel: NovelOutline) {
  const t = useTranslations('novels.delete')
  const queries = useQueryClient()
  const navigate = useNavigate()
  const notifyError = useNotifyError()
  const putBack = usePutBack()
  return useMutation({
    mutationFn: () => dataOf(api.DELETE('/v1/novels/{novelId}', { params: { path: { novelId: novel.id } } })),
    onError: notifyError,
    async onSuccess() {
      await navigate({ to: '/' })
      queries.removeQueries({
        predicate: ({ queryKey }) => queryKey[0] === 'novels' && queryKey[2] === novel.id,
      })
      void queries.invalidateQueries({ queryKey: keys.novels })
      const undo = { label: t('undo'), onUndo: () => putBack.mutate(novel) }
      notifyUndoable(t('done', { title: novel.title }), undo)
    },
  })
}
