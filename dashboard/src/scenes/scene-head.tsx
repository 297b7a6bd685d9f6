import { Breadcrumbs, type ButtonProps, Group, Text } from '@mantine/core'
import { IconArrowLeft, IconArrowRight } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ButtonLink, TextLink } from '../parts/links.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { type Scene, useChapter, useOutline } from '../queries/scene-queries.ts'
import { useWriting } from '../text/format.ts'
import { useNeighbours } from './neighbours.ts'
import { unitOf } from './wishes.ts'

/** The name of a scene, where in the novel it is, and the way to the scenes before and after it. */
export function SceneHead({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes')
  const writing = useWriting()
  const { novelId } = scene
  const { data: outline } = useOutline(novelId)
  const { data: chapter } = useChapter(novelId, scene.chapterId)
  const count =
    unitOf(outline?.language) === 'words'
      ? t('words', { count: scene.words })
      : t('characters', { count: scene.characters })
  return (
    <>
      <Breadcrumbs separatorMargin="xs" mih="1.5rem" aria-label={t('place')} component="nav">
        <TextLink to="/novels/$novelId" params={{ novelId }} size="sm">
          {outline?.title ?? t('novel')}
        </TextLink>
        <TextLink
          to="/novels/$novelId/chapters/$chapterId"
          params={{ novelId, chapterId: scene.chapterId }}
          size="sm"
        >
          {chapter?.title ?? t('chapter')}
        </TextLink>
        <Text size="sm">{t('number', { number: writing.number(scene.position + 1) })}</Text>
      </Breadcrumbs>
      <PageTitle
        title={scene.title ?? t('numbered', { number: writing.number(scene.position + 1) })}
        below={<span className="numbers">{count}</span>}
      >
        <Neighbours scene={scene} />
      </PageTitle>
    </>
  )
}

function Neighbours({ scene }: { scene: Scene }) {
  const t = useTranslations('scenes')
  const { before, after } = useNeighbours(scene)
  const { novelId } = scene
  return (
    <Group gap="xs" component="nav" aria-label={t('neighbours')}>
      <Neighbour novelId={novelId} sceneId={before} leftSection={<IconArrowLeft size={16} aria-hidden />}>
        {t('previous')}
      </Neighbour>
      <Neighbour novelId={novelId} sceneId={after} rightSection={<IconArrowRight size={16} aria-hidden />}>
        {t('next')}
      </Neighbour>
    </Group>
  )
}

/** The way to a scene beside this one, if there is one. */
function Neighbour({
  novelId,
  sceneId,
  ...rest
}: { novelId: string; sceneId: string | undefined } & Pick<
  ButtonProps,
  'children' | 'leftSection' | 'rightSection'
>) {
  if (sceneId === undefined) return null
  return (
    <ButtonLink
      size="xs"
      variant="default"
      to="/novels/$novelId/scenes/$sceneId"
      params={{ novelId, sceneId }}
      {...rest}
    />
  )
}
