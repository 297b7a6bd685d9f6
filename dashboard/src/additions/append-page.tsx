import { Alert, Button, FileButton, Group, Progress, Stack, Switch, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconFilePlus, IconFileText } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, codeOf } from '../api/client.ts'
import { acceptedEndings, sendFile } from '../api/send-file.ts'
import { CostNotice } from '../parts/cost-notice.tsx'
import { PageFor } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice, Loading } from '../parts/states.tsx'
import { useOutline } from '../queries/novel-queries.ts'
import {
  type Addition,
  additionOf,
  type Comparison,
  untouched,
  useAppend,
  useComparison,
} from './addition-queries.ts'
import { ComparedChapters, MissingChapters } from './compared-chapters.tsx'

const route = getRouteApi('/novels/$novelId/append')

/** The chapters of a newer file of a novel: sent, compared, chosen from, added. */
export function AppendPage() {
  const { novelId } = route.useParams()
  const { upload } = route.useSearch()
  const t = useTranslations('additions')
  const { data: novel } = useOutline(novelId)
  return (
    <Page>
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel} />
      <PageFor need="write">
        {upload === undefined ? (
          <ChooseFile novelId={novelId} />
        ) : (
          <ComparedUpload key={upload} uploadId={upload} novelId={novelId} />
        )}
      </PageFor>
    </Page>
  )
}

/** Takes the file, and sends it. */
function ChooseFile({ novelId }: { novelId: string }) {
  const t = useTranslations('additions')
  const navigate = useNavigate()
  const [sent, setSent] = useState(0)
  const send = useMutation({
    mutationFn: (file: File) =>
      sendFile(file, {
        signal: new AbortController().signal,
        onProgress: bytes => setSent(bytes / Math.max(1, file.size)),
      }),
    onSuccess: ({ id: upload }) =>
      navigate({ to: '/novels/$novelId/append', params: { novelId }, search: { upload }, replace: true }),
  })
  return (
    <Panel title={t('choose.title')} hint={t('choose.text')}>
      {send.error !== null && <ErrorNotice error={send.error} />}
      {send.isPending && <Progress value={sent * 100} aria-label={t('choose.sending')} />}
      <FileButton accept={acceptedEndings} onChange={file => file !== null && send.mutate(file)}>
        {({ onClick }) => (
          <Button
            w="fit-content"
            leftSection={<IconFileText size={18} aria-hidden />}
            loading={send.isPending}
            onClick={onClick}
          >
            {t('choose.action')}
          </Button>
        )}
      </FileButton>
    </Panel>
  )
}

function ComparedUpload({ uploadId, novelId }: { uploadId: string; novelId: string }) {
  const t = useTranslations('additions')
  const { data, error, refetch } = useComparison(uploadId, novelId)
  const isGone = error !== null && codeOf(error) === 'UPLOAD_NOT_FOUND'
  if (data !== undefined) return <Choosing uploadId={uploadId} comparison={data} />
  return (
    <Stack>
      {error === null ? (
        <>
          <Text>{t('comparing')}</Text>
          <Loading lines={6} />
        </>
      ) : (
        <ErrorNotice error={error} {...(!isGone && { onRetry: refetch })} />
      )}
      {error !== null && <AnotherFile uploadId={uploadId} novelId={novelId} />}
    </Stack>
  )
}

/** Throws the upload away, and lets another file be chosen. */
function AnotherFile({ uploadId, novelId }: { uploadId: string; novelId: string }) {
  const t = useTranslations('additions')
  const navigate = useNavigate()
  const discard = async () => {
    // One that cannot be deleted expires by itself.
    await api.DELETE('/v1/uploads/{uploadId}', { params: { path: { uploadId } } }).catch(() => undefined)
    await navigate({ to: '/novels/$novelId/append', params: { novelId }, search: {}, replace: true })
  }
  return (
    <Button variant="default" w="fit-content" onClick={() => void discard()}>
      {t('another')}
    </Button>
  )
}

/** What the file has, to be chosen from, and the yes. */
function Choosing({ uploadId, comparison }: { uploadId: string; comparison: Comparison }) {
  const t = useTranslations('additions')
  const [choice, setChoice] = useState(untouched)
  const { counts, novelId } = comparison
  const addition = additionOf(comparison, choice)
  const isNothingNew = counts.new + counts.changed === 0
  return (
    <>
      <Alert color="gray" data-counts={JSON.stringify(counts)}>
        {t('counts', counts)}
      </Alert>
      {isNothingNew ? (
        <Text>{t('nothingNew')}</Text>
      ) : (
        <>
          <ComparedChapters {...{ uploadId, comparison, choice }} onChange={setChoice} />
          <MissingChapters missing={comparison.missing} />
          <Switch
            label={t('summarise')}
            checked={choice.summarise}
            onChange={({ currentTarget }) => setChoice({ ...choice, summarise: currentTarget.checked })}
          />
        </>
      )}
      <Begin {...{ uploadId, novelId, addition }} />
    </>
  )
}

interface BeginProps {
  uploadId: string
  novelId: string
  addition: Addition
}

/** What it costs, and the button that begins it. */
function Begin({ uploadId, novelId, addition }: BeginProps) {
  const t = useTranslations('additions')
  const append = useAppend(uploadId)
  const [planned] = useDebouncedValue({ uploadId, ...addition }, 500)
  const [chapters, replaced] = [addition.chapters.length, addition.replace.length]
  const isNothing = chapters + replaced === 0
  const words = chapters === 0 ? 'replace' : replaced === 0 ? 'add' : 'both'
  return (
    <Stack gap="sm">
      {!isNothing && <CostNotice planned={{ taskType: 'AppendToNovel', parameters: planned }} />}
      {replaced > 0 && <Text size="sm">{t('undo')}</Text>}
      {append.error !== null && <ErrorNotice error={append.error} onRetry={() => append.mutate(addition)} />}
      <Group>
        <Button
          leftSection={<IconFilePlus size={18} aria-hidden />}
          disabled={isNothing}
          loading={append.isPending}
          onClick={() => append.mutate(addition)}
        >
          {isNothing ? t('nothingChosen') : t(`begin.${words}`, { chapters, replaced })}
        </Button>
        <AnotherFile uploadId={uploadId} novelId={novelId} />
      </Group>
    </Stack>
  )
}
