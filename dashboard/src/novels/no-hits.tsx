import { Button, List, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useTranslations } from 'use-intl'
import { Empty } from '../parts/states.tsx'
import { MakeIndex } from './make-index.tsx'
import type { NovelOutline, SearchAnswer } from './novel.ts'

/** Where a search found nothing: why that may be, and what helps. */
export function NoHits({
  novel,
  query,
  answer,
}: {
  novel: NovelOutline
  query: string
  answer: SearchAnswer
}) {
  const t = useTranslations('novels.search')
  if (answer.index === 'none') return <NoIndex novel={novel} />
  return (
    <Empty
      title={t('noHitsTitle', { query })}
      text={t(answer.index === 'hybrid' ? 'noHits' : 'noHitsByWords')}
    >
      <List ta="start" size="sm">
        <List.Item>{t('tipFewer')}</List.Item>
        <List.Item>{t('tipOther')}</List.Item>
        {answer.outOfDateScenes > 0 && <List.Item>{t('tipRenew')}</List.Item>}
      </List>
    </Empty>
  )
}

function NoIndex({ novel }: { novel: NovelOutline }) {
  const t = useTranslations('novels.search')
  const index = useTranslations('novels.index')
  const [isAsking, asking] = useDisclosure()
  if (novel.index.building) return <Empty title={t('buildingTitle')} text={t('buildingText')} />
  return (
    <Empty title={t('noIndexTitle')} text={t('noIndexText')}>
      <Button onClick={asking.open}>
        <Text span>{index('make')}</Text>
      </Button>
      {isAsking && <MakeIndex novelId={novel.id} onClose={asking.close} />}
    </Empty>
  )
}
