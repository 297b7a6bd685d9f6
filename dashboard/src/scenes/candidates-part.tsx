import { Badge, Button, Group, List, Mark, Paper, SegmentedControl, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCheck, IconRefresh } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { useCapabilities, whyOff } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMay } from '../api/me.ts'
import type { components } from '../api/schema.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import { CopyThis } from '../parts/export-text.tsx'
import { unitOf } from '../parts/instructions.ts'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { PromptBlocks } from '../parts/prompt-blocks.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { ErrorNotice, Loading, Pending } from '../parts/states.tsx'
import {
  ifMatch,
  type Scene,
  useIsReference,
  useOutline,
  useReadSceneAgain,
  useSceneTasks,
} from '../queries/novel-queries.ts'
import styles from './scenes.module.css'

const from = '/novels/$novelId/scenes/$sceneId'

type Note = components['schemas']['CandidateNote']
type Whole = components['schemas']['Candidate']

/** Comparing needs a library of its own: it is loaded when somebody compares. */
const TextDiff = lazyPart(() => import('../parts/text-diff.tsx'), 'TextDiff')
const ChooseParagraphs = lazyPart(() => import('./choose-paragraphs.tsx'), 'ChooseParagraphs')

/** The texts that models wrote for a scene and that wait for the author, newest first. Nothing while there are none. */
export function Candidates({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes.candidates')
  const { data: notes = [], error } = useOpenCandidates(scene.id)
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set())
  if (error !== null) return <ErrorNotice error={error} />
  if (notes.length === 0) return null
  return (
    <Stack component="section" aria-labelledby="candidates-title" data-candidates>
      <div>
        <Title order={2} id="candidates-title">
          {t('title', { count: notes.length })}
        </Title>
        <Text size="sm" c="dimmed">
          {scene.content === '' ? t('introEmpty') : t('intro')}
        </Text>
      </div>
      {notes.map((note, at) => {
        const isOpen = opened.has(note.id) || (at === 0 && !closed.has(note.id))
        return (
          <CandidateCard
            key={note.id}
            note={note}
            scene={scene}
            isOpen={isOpen}
            onToggle={() => {
              const [to, from] = isOpen ? [setClosed, setOpened] : [setOpened, setClosed]
              to(now => new Set([...now, note.id]))
              from(now => new Set([...now].filter(id => id !== note.id)))
            }}
          />
        )
      })}
    </Stack>
  )
}

/** As many as a scene has at most. */
const mostOpen = 20

function useOpenCandidates(sceneId: string) {
  return useQuery({
    queryKey: keys.candidates(sceneId),
    queryFn: async () => {
      const query = { status: ['open' as const], pageSize: mostOpen }
      const params = { path: { sceneId }, query }
      return (await dataOf(api.GET('/v1/scenes/{sceneId}/candidates', { params }))).items
    },
    refetchOnWindowFocus: 'always',
  })
}

interface CardProps {
  note: Note
  scene: Scene
  isOpen: boolean
  onToggle: () => void
}

function CandidateCard({ note, scene, isOpen, onToggle }: CardProps) {
  const t = useTranslations('scenes.candidates')
  const { provenance, writtenBy, createdAt } = note
  const { data: outline } = useOutline(scene.novelId)
  const sizes = useTranslations('scenes')
  const size =
    unitOf(outline?.language) === 'words'
      ? sizes('words', { count: note.words })
      : sizes('characters', { count: note.characters })
  const isOlder = note.baseVersion < scene.textVersion
  return (
    <Paper withBorder p="md" data-candidate={note.id}>
      <Stack gap="xs">
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            <Badge variant="light">{size}</Badge>
            {note.insteadOf !== undefined && (
              <Badge variant="light" color="gray">
                {t('another')}
              </Badge>
            )}
            {note.passage !== undefined && (
              <Badge variant="light" color="gray">
                {t('passage')}
              </Badge>
            )}
            {isOlder && (
              <Badge variant="light" color="yellow">
                {t('older')}
              </Badge>
            )}
          </Group>
          <Button size="xs" variant="default" onClick={onToggle} aria-expanded={isOpen}>
            {isOpen ? t('close') : t('read')}
          </Button>
        </Group>
        <Provenance origin={{ ...provenance, writtenBy, writtenAt: createdAt }} />
        <Findings note={note} />
        {isOpen ? (
          <WholeCandidate note={note} scene={scene} />
        ) : (
          <Text size="sm" c="dimmed" lineClamp={2}>
            {note.excerpt}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

/** What checks found in the text. */
function Findings({ note: { faults = [], marks = [] } }: { note: Note }) {
  const t = useTranslations('scenes.candidates')
  const found = [
    ...faults.map(each => ({ ...each, kind: 'fault' as const })),
    ...marks.map(each => ({ ...each, kind: 'mark' as const })),
  ]
  if (found.length === 0) return null
  return (
    <List size="sm" data-findings>
      {found.map(({ kind, code, figure = 0, names = [] }) => (
        <List.Item key={`${kind} ${code}`}>
          {t(kind)} {t(`findings.${code}`, { figure, names: names.join(', ') })}
        </List.Item>
      ))}
    </List>
  )
}

/** How a candidate is shown. */
const views = ['read', 'compare', 'choose'] as const

type View = (typeof views)[number]

/** A candidate, whole: to read, to compare with the text of the scene, and to decide about. */
function WholeCandidate({ note, scene }: { note: Note; scene: Scene }) {
  const t = useTranslations('scenes.candidates')
  const [view, setView] = useState<View>('read')
  const { data, error, refetch } = useCandidate(scene.id, note.id)
  const decide = useDecideCandidate(scene, note.id)
  const canWrite = useMay('write')
  if (error !== null || data === undefined) return <Pending error={error} onRetry={refetch} lines={6} />
  const hasText = scene.content.trim() !== ''
  const shown = hasText ? view : 'read'
  return (
    <Stack gap="sm">
      {hasText && (
        <SegmentedControl
          w="fit-content"
          size="xs"
          aria-label={t('view')}
          value={view}
          onChange={value => setView(views.find(each => each === value) ?? 'read')}
          data={(canWrite ? views : views.slice(0, 2)).map(value => ({
            value,
            label: t(value === 'read' ? 'whole' : value),
          }))}
        />
      )}
      {shown === 'read' && <CandidateText {...data} />}
      {shown === 'compare' && (
        <Suspense fallback={<Loading lines={6} />}>
          <TextDiff before={scene.content} after={data.text} words="candidates" />
        </Suspense>
      )}
      {shown === 'choose' && (
        <Suspense fallback={<Loading lines={6} />}>
          <ChooseParagraphs
            key={scene.textVersion}
            mine={scene.content}
            theirs={data.text}
            isBusy={decide.accept.isPending}
            onAccept={content => decide.accept.mutate(content)}
          />
        </Suspense>
      )}
      {canWrite && (
        <Decision decide={decide} isWhole={shown !== 'choose'} label={acceptLabel(note, scene)}>
          {note.passage === undefined && <AnotherText scene={scene} candidateId={note.id} />}
        </Decision>
      )}
      {shown === 'read' && <CopyThis text={data.text} />}
      <WhatWasShown prompts={data.prompts ?? []} />
      {decide.accept.error !== null && <ErrorNotice error={decide.accept.error} />}
    </Stack>
  )
}

/** What the model was shown when it wrote the text, part by part. */
function WhatWasShown({ prompts }: { prompts: NonNullable<Whole['prompts']> }) {
  const t = useTranslations('scenes.prompt')
  const [isOpen, { toggle }] = useDisclosure(false)
  if (prompts.length === 0) return null
  return (
    <Stack gap="xs" data-was-shown>
      <Button variant="subtle" size="compact-sm" w="fit-content" onClick={toggle} aria-expanded={isOpen}>
        {t('wasShown')}
      </Button>
      {isOpen &&
        prompts.map((blocks, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are numbered by their place
          <Stack key={place} gap="xs">
            {prompts.length > 1 && <Title order={3}>{t('part', { number: place + 1 })}</Title>}
            <PromptBlocks blocks={blocks} />
          </Stack>
        ))}
    </Stack>
  )
}

/** The text of a candidate. The passage that is new is marked, and in view. */
function CandidateText({ text, passage }: Pick<components['schemas']['Candidate'], 'text' | 'passage'>) {
  const box = useRef<HTMLParagraphElement>(null)
  const mark = useRef<HTMLElement>(null)
  useEffect(() => {
    const [within, at] = [box.current, mark.current]
    if (within !== null && at !== null) within.scrollTop = at.offsetTop - within.offsetTop
  }, [])
  const { start, end } = passage ?? { start: text.length, end: text.length }
  return (
    <Text component="div" ref={box} className={`prose ${styles['side']}`} tabIndex={0} data-candidate-text>
      {text.slice(0, start)}
      {end > start && (
        <Mark ref={mark} data-new-passage>
          {text.slice(start, end)}
        </Mark>
      )}
      {text.slice(end)}
    </Text>
  )
}

function useCandidate(sceneId: string, candidateId: string) {
  return useQuery({
    queryKey: keys.candidate(sceneId, candidateId),
    queryFn: () =>
      dataOf(
        api.GET('/v1/scenes/{sceneId}/candidates/{candidateId}', {
          params: { path: { sceneId, candidateId } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Accepting, whole or the text that was made of both, and discarding: under the version that is shown. */
function useDecideCandidate(scene: Scene, candidateId: string) {
  const t = useTranslations('scenes.candidates')
  const queries = useQueryClient()
  const { insteadOf } = useSearch({ from })
  const navigate = useNavigate({ from })
  // Another text in its place is not asked for any more.
  const settle = () => {
    if (insteadOf === candidateId) void navigate({ search: {}, replace: true, resetScroll: false })
  }
  const readAgain = useReadSceneAgain(scene)
  const params = { path: { sceneId: scene.id, candidateId }, header: ifMatch(scene) }
  const accept = useMutation({
    mutationFn: (content?: string) =>
      dataOf(
        api.POST('/v1/scenes/{sceneId}/candidates/{candidateId}:accept', {
          params,
          body: defined({ content }),
        }),
      ),
    onSuccess(accepted) {
      queries.setQueryData(keys.scene(scene.id), accepted)
      settle()
      notifyDone(t('accepted'))
    },
    // Also after a refusal: what is there now is what the person has to see.
    onSettled: readAgain,
  })
  const notifyError = useNotifyError()
  const discard = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/scenes/{sceneId}/candidates/{candidateId}:discard', { params })),
    onSuccess() {
      settle()
      notifyDone(t('discarded'))
    },
    onError: notifyError,
    onSettled: readAgain,
  })
  return { accept, discard }
}

interface DecisionProps {
  decide: ReturnType<typeof useDecideCandidate>
  isWhole: boolean
  label: ReturnType<typeof acceptLabel>
  /** What else can be done. */
  children: ReactNode
}

/** Of a text that changed since, the passage alone is replaced. */
function acceptLabel({ passage, baseVersion }: Note, { content, textVersion }: Scene) {
  if (content.trim() === '') return 'acceptEmpty'
  return passage !== undefined && baseVersion < textVersion ? 'acceptPassage' : 'accept'
}

function Decision({ decide: { accept, discard }, isWhole, label, children }: DecisionProps) {
  const t = useTranslations('scenes.candidates')
  return (
    <Group gap="xs">
      {isWhole && (
        <Button
          size="xs"
          leftSection={<IconCheck size={16} aria-hidden />}
          loading={accept.isPending}
          onClick={() => accept.mutate(undefined)}
        >
          {t(label)}
        </Button>
      )}
      {children}
      <Button size="xs" variant="subtle" loading={discard.isPending} onClick={() => discard.mutate()}>
        {t('discard')}
      </Button>
    </Group>
  )
}

/** The way to another text in place of a candidate. Nothing where the form for it is not there: without a model, in a reference, or before a task has ended. */
function AnotherText({ scene, candidateId }: { scene: Scene; candidateId: string }) {
  const t = useTranslations('scenes.candidates')
  const navigate = useNavigate({ from })
  const { data: capabilities } = useCapabilities()
  const tasks = useSceneTasks(scene.id)
  const isReference = useIsReference(scene.novelId)
  const isWriting = !tasks.isKnown || tasks.newest('GenerateScene')?.done === false
  if (isReference || isWriting || capabilities === undefined) return null
  if (whyOff(capabilities, 'GenerateScene') !== undefined) return null
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      onClick={() => void navigate({ search: { insteadOf: candidateId }, resetScroll: false })}
    >
      {t('again')}
    </Button>
  )
}
