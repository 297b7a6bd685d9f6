import { Box, Button, Group, Table, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { TextLink } from '../parts/links.tsx'
import { Page } from '../parts/page.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { Panel } from '../parts/panel.tsx'
import { Empty, Pending } from '../parts/states.tsx'
import { useOutline } from '../queries/novel-queries.ts'
import { useWriting } from '../text/format.ts'

const route = getRouteApi('/novels/$novelId/style')

type Style = components['schemas']['NovelStyle']
type Chapter = Style['chapters'][number]

/** The columns by which the chapters can be sorted. */
const measures = ['words', 'sentences', 'wordsPerSentence', 'dialogue', 'repeatedOpenings'] as const
type Measure = (typeof measures)[number]

const lists = ['words', 'phrases', 'sentenceOpenings', 'paragraphOpenings'] as const

/** The style of a novel in figures: by chapter, and what comes again in the whole. */
export function StylePage() {
  const { novelId } = route.useParams()
  return <StyleOf key={novelId} novelId={novelId} />
}

function StyleOf({ novelId }: { novelId: string }) {
  const t = useTranslations('style')
  const { data: novel } = useOutline(novelId)
  const { data: style, error, refetch } = useStyle(novelId)
  return (
    <Page>
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel} />
      {style === undefined ? (
        <Pending error={error} onRetry={refetch} lines={8} />
      ) : style.whole.sentences === 0 ? (
        <Empty title={t('emptyTitle')} text={t('emptyText')} />
      ) : (
        <>
          <Text size="sm" c="dimmed">
            {style.approximate ? `${t('hint')} ${t('approximate')}` : t('hint')}
          </Text>
          <Chapters novelId={novelId} style={style} />
          <Text size="sm" c="dimmed">
            {t('listHint')}
          </Text>
          {lists.map(list => (
            <Terms key={list} novelId={novelId} title={t(`lists.${list}`)} terms={style[list]} />
          ))}
        </>
      )}
    </Page>
  )
}

/** Reads the figures when the page is opened: every text is read for them, so no event has them read again. */
function useStyle(novelId: string) {
  return useQuery({
    queryKey: keys.style(novelId),
    queryFn: ({ signal }) =>
      dataOf(api.GET('/v1/novels/{novelId}/style', { params: { path: { novelId } }, signal })),
    staleTime: 'static',
    gcTime: 0,
  })
}

/** Chapters that are shown at first, and by how many more each time. */
const perPage = 100

function Chapters({ novelId, style }: { novelId: string; style: Style }) {
  const t = useTranslations('style')
  const actions = useTranslations('actions')
  const [order, setOrder] = useState<Order>({ by: 'position', isDown: false })
  const [shown, setShown] = useState(perPage)
  const sorted = style.chapters.toSorted(
    (a, b) => (order.isDown ? -1 : 1) * (a[order.by] - b[order.by]) || a.position - b.position,
  )
  const most = Object.fromEntries(
    measures.map(each => [each, style.chapters.reduce((top, chapter) => Math.max(top, chapter[each]), 0)]),
  ) as Record<Measure, number>
  const sortable = (by: Order['by']) => <SortHeader key={by} by={by} order={order} onSort={setOrder} />
  return (
    <Panel title={t('chapters')} hint={t('columnHint')}>
      <Table.ScrollContainer minWidth={760} type="native" pos="relative">
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              {sortable('position')}
              {measures.map(sortable)}
              <Table.Th scope="col">{t('columns.distinct')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            <Table.Tr data-style="whole" fw={600}>
              <Table.Th scope="row">{t('whole')}</Table.Th>
              {measures.map(each => (
                <Figure key={each} measure={each} value={style.whole[each]} />
              ))}
              <Table.Td />
            </Table.Tr>
            {sorted.slice(0, shown).map(chapter => (
              <ChapterRow key={chapter.id} novelId={novelId} chapter={chapter} most={most} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {sorted.length > shown && (
        <Button variant="default" w="fit-content" onClick={() => setShown(shown + perPage)}>
          {actions('more')}
        </Button>
      )}
    </Panel>
  )
}

interface Order {
  by: Measure | 'position'
  isDown: boolean
}

interface SortHeaderProps {
  by: Order['by']
  order: Order
  onSort: (order: Order) => void
}

/** The head of a column. The first press has the largest first, of the chapters the first; the next one turns that round. */
function SortHeader({ by, order, onSort }: SortHeaderProps) {
  const t = useTranslations('style')
  const isSorted = order.by === by
  const Icon = order.isDown ? IconArrowDown : IconArrowUp
  const turned = isSorted ? !order.isDown : by !== 'position'
  const isText = by === 'position'
  return (
    <Table.Th
      scope="col"
      ta={isText ? 'left' : 'right'}
      className="whole"
      aria-sort={isSorted ? (order.isDown ? 'descending' : 'ascending') : 'none'}
    >
      <UnstyledButton fz="sm" fw={700} onClick={() => onSort({ by, isDown: turned })}>
        {t(`columns.${by}`)}
        <VisuallyHidden> ({turned ? t('descending') : t('ascending')})</VisuallyHidden>
        {isSorted && <Icon size={14} aria-hidden />}
      </UnstyledButton>
    </Table.Th>
  )
}

function ChapterRow({
  novelId,
  chapter,
  most,
}: {
  novelId: string
  chapter: Chapter
  most: Record<Measure, number>
}) {
  const t = useTranslations('style')
  const novels = useTranslations('novels')
  const { id: chapterId, title, position, distinctWords, distinctPhrases } = chapter
  return (
    <Table.Tr data-style={position}>
      <Table.Th scope="row" fw={400}>
        <TextLink to="/novels/$novelId/chapters/$chapterId" params={{ novelId, chapterId }} inherit>
          {title === '' ? novels('chapterNumber', { number: position + 1 }) : title}
        </TextLink>
      </Table.Th>
      {measures.map(each => (
        <Figure key={each} measure={each} value={chapter[each]} most={most[each]} />
      ))}
      <Table.Td fz="sm">
        {[...distinctWords, ...distinctPhrases].map(({ text, count, elsewhere }) => (
          <div key={text}>{t('distinctTerm', { text, count, elsewhere })}</div>
        ))}
      </Table.Td>
    </Table.Tr>
  )
}

/** A figure, and below it a bar of how much of the largest of its column it is. */
function Figure({ measure, value, most = 0 }: { measure: Measure; value: number; most?: number }) {
  const writing = useWriting()
  const written = {
    words: writing.number,
    sentences: writing.number,
    wordsPerSentence: (mean: number) => writing.number(Math.round(mean * 10) / 10),
    dialogue: writing.percent,
    repeatedOpenings: writing.number,
  }[measure](value)
  return (
    <Table.Td ta="right" className="numbers whole">
      {written}
      {most > 0 && (
        <Box
          aria-hidden
          h={4}
          mt={2}
          ml="auto"
          bg="var(--mantine-primary-color-filled)"
          w={`${(100 * value) / most}%`}
        />
      )}
    </Table.Td>
  )
}

interface TermsProps {
  novelId: string
  title: string
  terms: Style['words']
}

function Terms({ novelId, title, terms }: TermsProps) {
  const t = useTranslations('style')
  return (
    <Panel title={title}>
      {terms.length === 0 && <Text c="dimmed">{t('none')}</Text>}
      <Group gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {terms.map(({ text, count, chapters, first: { sceneId } }) => (
          <Group key={text} component="li" gap={4} mr="md">
            <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }}>
              {text}
            </TextLink>
            <Text size="sm" c="dimmed" className="numbers">
              {t('termCount', { count, chapters })}
            </Text>
          </Group>
        ))}
      </Group>
    </Panel>
  )
}
