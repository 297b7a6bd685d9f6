import { Button, Group, Menu, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconTrash } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Loading } from '../parts/states.tsx'
import { useOutline } from '../queries/scene-queries.ts'
import { DeleteNovel } from './delete-novel.tsx'
import { useFollowNovel } from './live-tasks.ts'
import type { NovelOutline } from './novel.ts'
import { NovelFacts } from './novel-facts.tsx'
import { NovelState } from './novel-state.tsx'
import { NowWorking } from './now-working.tsx'
import { Outline } from './outline.tsx'
import { ReadOn } from './read-on.tsx'
import { NovelSearchBox } from './search-box.tsx'
import { SearchResults } from './search-results.tsx'

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
    <Stack gap="lg">
      <PageTitle title={t('title')} />
      {error ? <ErrorNotice error={error} onRetry={() => void refetch()} /> : <Loading lines={8} />}
    </Stack>
  )
}

function ShownNovel({ novel }: { novel: NovelOutline }) {
  const { q } = route.useSearch()
  useFollowNovel(novel.id)
  return (
    <Stack gap="lg">
      <PageTitle title={novel.title} below={<NovelFacts novel={novel} />}>
        <ReadOn novel={novel} />
        <NovelMenu novel={novel} />
      </PageTitle>
      <NowWorking novelId={novel.id} />
      <NovelSearchBox novelId={novel.id} />
      {q === undefined ? (
        <>
          <NovelState novel={novel} />
          <Outline novel={novel} />
        </>
      ) : (
        <SearchResults novel={novel} query={q} />
      )}
    </Stack>
  )
}

function NovelMenu({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels')
  const [isAsking, asking] = useDisclosure()
  return (
    <Group>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" px="xs" aria-label={t('menu')} title={t('menu')}>
            <IconDots size={18} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" leftSection={<IconTrash size={16} aria-hidden />} onClick={asking.open}>
            {t('delete.open')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {isAsking && <DeleteNovel novel={novel} onClose={asking.close} />}
    </Group>
  )
}
