import { Group, Skeleton, Stack, Text, Title } from '@mantine/core'
import { IconEdit } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Provenance } from '../parts/provenance.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { sceneQuery } from '../queries/novel-queries.ts'
import type { SceneEntry } from './novel.ts'
import { type Passage, Prose } from './prose.tsx'
import classes from './reader.module.css'
import { SceneMenu } from './scene-menu.tsx'
import { SummaryPanel } from './summary-panel.tsx'
import type { Span } from './text-spans.ts'

interface SceneReadingProps {
  scene: SceneEntry
  /** Those of its chapter. A chapter of one scene needs no numbers for it. */
  scenes: readonly SceneEntry[]
  language: string | undefined
  /** A passage that the address asks for. */
  target: Passage | undefined
  /** Whether its text is wanted before the person comes near. */
  isWanted: boolean
  /** Its text is shown. */
  onShown: (sceneId: string) => void
}

/** A scene of a chapter: its text, its summary, and the way to its own page. */
export function SceneReading({ scene, scenes, language, target, isWanted, onShown }: SceneReadingProps) {
  const t = useTranslations('novels.reader')
  const [section, isNear] = useNear<HTMLElement>()
  const number = scene.position + 1
  const title =
    scene.title === undefined || scene.title === ''
      ? t('scene', { number })
      : t('sceneTitled', { number, title: scene.title })
  return (
    <section ref={section} className={classes['scene']} aria-label={title} data-scene={scene.id}>
      <SummaryPanel scene={scene} language={language} />
      <Stack gap="sm" className={classes['body'] ?? ''}>
        <Group justify="space-between" gap="xs">
          {scenes.length === 1 && scene.title === undefined ? <span /> : <Title order={2}>{title}</Title>}
          <Group gap={4}>
            <ButtonLink
              to="/novels/$novelId/scenes/$sceneId"
              params={{ novelId: scene.novelId, sceneId: scene.id }}
              variant="subtle"
              size="compact-sm"
              leftSection={<IconEdit size={16} aria-hidden />}
              aria-label={t('toSceneOf', { scene: title })}
            >
              {t('toScene')}
            </ButtonLink>
            <May need="write">
              <SceneMenu scenes={scenes} scene={scene} name={title} />
            </May>
          </Group>
        </Group>
        <SceneText
          section={section}
          scene={scene}
          language={language}
          target={target}
          isWanted={isNear || isWanted}
          onShown={onShown}
        />
        {scene.textOrigin !== undefined && scene.textOrigin.method !== 'imported' && (
          <Provenance origin={scene.textOrigin} />
        )}
      </Stack>
    </section>
  )
}

interface SceneTextProps extends Omit<SceneReadingProps, 'scenes'> {
  section: RefObject<HTMLElement | null>
}

/** The text of a scene, read when it is wanted. */
function SceneText({ section, scene, language, target, isWanted, onShown }: SceneTextProps) {
  const t = useTranslations('novels.reader')
  const { data, error, refetch } = useQuery({ ...sceneQuery(scene.id), enabled: isWanted })
  // The chapter names a newer text before the scene does.
  const isOld = data !== undefined && data.textVersion < scene.textVersion
  useEffect(() => {
    if (isOld) void refetch()
  }, [isOld, refetch])
  const text = data?.content
  useTarget(section, target, text !== undefined)
  const { id } = scene
  useEffect(() => {
    if (text !== undefined) onShown(id)
  }, [text, id, onShown])
  if (error) return <ErrorNotice error={error} onRetry={refetch} />
  if (text === undefined) return <TextPlaceholder characters={scene.characters} language={language} />
  if (text.trim() === '') return <Text c="dimmed">{t('noText')}</Text>
  const mark = target !== undefined && target.end > target.start ? target : undefined
  return <Prose text={text} language={language} mark={mark} />
}

/** Goes to the passage once its text is there: to the mark, or to the beginning of the scene. */
function useTarget(section: RefObject<HTMLElement | null>, target: Span | undefined, isThere: boolean): void {
  const { start, end } = target ?? {}
  useEffect(() => {
    if (!isThere || start === undefined || end === undefined) return
    // After the router has gone to the top of the page.
    const frame = requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const mark = section.current?.querySelector('mark')
        if (mark) mark.scrollIntoView({ block: 'center' })
        else section.current?.scrollIntoView()
      }),
    )
    return () => cancelAnimationFrame(frame)
  }, [section, isThere, start, end])
}

/** About as high as the text will be, so that little moves when it comes. */
function TextPlaceholder({ characters, language }: { characters: number; language: string | undefined }) {
  const perLine = language?.startsWith('zh') === true ? 36 : 80
  const lines = Math.max(2, Math.ceil((characters / perLine) * 1.15))
  return <Skeleton height={`${lines * 1.9}rem`} maw="42rem" animate={false} aria-hidden />
}

/** How near to the screen something comes before it counts. */
const margin = '1200px 0px'

/** Returns whether an element came near the screen; stays true from then on. */
function useNear<T extends Element>(): [RefObject<T | null>, boolean] {
  const element = useRef<T>(null)
  const [isNear, setNear] = useState(false)
  useEffect(() => {
    const { current } = element
    if (current === null || isNear) return
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(entry => entry.isIntersecting)) setNear(true)
      },
      { rootMargin: margin },
    )
    observer.observe(current)
    return () => observer.disconnect()
  }, [isNear])
  return [element, isNear]
}
