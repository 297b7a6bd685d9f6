import { Button, Group } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useMemo, useRef } from 'react'
import { useTranslations } from 'use-intl'
import { useShortcuts } from '../browser/shortcuts.tsx'
import { ChapterSelect } from '../parts/chapter-select.tsx'
import { ButtonLink } from '../parts/links.tsx'
import { type ChapterEntry, chaptersOf, type NovelOutline, searchHash } from './novel.ts'

/** To the chapter before, the one after, or any. */
export function ChapterNavigation({ novel, chapterId }: { novel: NovelOutline; chapterId: string }) {
  const t = useTranslations('novels.reader')
  const { previous, next } = useNeighbours(novel, chapterId)
  return (
    <Group gap="xs" component="nav" aria-label={t('chapters')} wrap="nowrap">
      <Step novelId={novel.id} to={previous} label={t('previous')}>
        <IconChevronLeft size={18} aria-hidden />
      </Step>
      <ChapterPicker novel={novel} chapterId={chapterId} />
      <Step novelId={novel.id} to={next} label={t('next')}>
        <IconChevronRight size={18} aria-hidden />
      </Step>
    </Group>
  )
}

function useNeighbours(novel: NovelOutline | undefined, chapterId: string) {
  return useMemo(() => {
    const chapters = novel === undefined ? [] : chaptersOf(novel)
    const at = chapters.findIndex(({ id }) => id === chapterId)
    return at === -1 ? {} : { previous: chapters[at - 1], next: chapters[at + 1] }
  }, [novel, chapterId])
}

/** `p` and `n` lead to the chapter before and after, `/` to the search. */
export function useChapterKeys(novel: NovelOutline | undefined, chapterId: string): void {
  const navigate = useNavigate()
  const { previous, next } = useNeighbours(novel, chapterId)
  const go = (chapter: ChapterEntry | undefined) => {
    if (novel === undefined || chapter === undefined) return
    const params = { novelId: novel.id, chapterId: chapter.id }
    void navigate({ to: '/novels/$novelId/chapters/$chapterId', params })
  }
  useShortcuts({
    p: () => go(previous),
    n: () => go(next),
    '/': () => {
      if (novel !== undefined)
        void navigate({ to: '/novels/$novelId', params: { novelId: novel.id }, hash: searchHash })
    },
  })
}

function Step({
  novelId,
  to,
  label,
  children,
}: {
  novelId: string
  to: ChapterEntry | undefined
  label: string
  children: ReactNode
}) {
  if (to === undefined)
    return (
      <Button variant="default" px="xs" disabled aria-label={label}>
        {children}
      </Button>
    )
  return (
    <ButtonLink
      to="/novels/$novelId/chapters/$chapterId"
      params={{ novelId, chapterId: to.id }}
      variant="default"
      px="xs"
      aria-label={`${label}: ${to.title}`}
    >
      {children}
    </ButtonLink>
  )
}

/** Goes to any chapter. */
function ChapterPicker({ novel, chapterId }: { novel: NovelOutline; chapterId: string }) {
  const t = useTranslations('novels.reader')
  const navigate = useNavigate()
  const field = useRef<HTMLInputElement>(null)
  return (
    <ChapterSelect
      ref={field}
      aria-label={t('pick')}
      novel={novel}
      value={chapterId}
      onChange={id => {
        // The keys belong to the text again.
        field.current?.blur()
        if (id === null || id === chapterId) return
        void navigate({
          to: '/novels/$novelId/chapters/$chapterId',
          params: { novelId: novel.id, chapterId: id },
        })
      }}
      allowDeselect={false}
      maxDropdownHeight={320}
      miw={0}
      w={{ base: '11rem', xs: '16rem' }}
    />
  )
}
