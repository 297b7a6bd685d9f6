import { Blockquote, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMay } from '../api/me.ts'
import type { components } from '../api/schema.ts'
import { Form } from '../parts/form.tsx'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Panel } from '../parts/panel.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { AskModel } from './ask-model.tsx'
import { useDismissal, useWanted } from './codex-queries.ts'

type Finding = components['schemas']['CodexFinding']

/** Scenes that one request checks. */
const pageSize = 200

/** Checks the text against the codex when it is asked for, page by page. */
function useFindings(novelId: string) {
  const queryKey = [...keys.codex(novelId), 'findings']
  const [isWanted, want] = useWanted(queryKey)
  const found = useInfiniteQuery({
    queryKey,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const query = { pageSize, ...(pageParam === undefined ? {} : { pageToken: pageParam }) }
      return dataOf(api.GET('/v1/novels/{novelId}/codex-findings', { params: { path: { novelId }, query } }))
    },
    getNextPageParam: page => page.nextPageToken,
    enabled: isWanted,
  })
  return { ...found, isWanted, want }
}

/** What in the text speaks against the codex; what is intended is said once, with a reason. */
export function Findings({ novelId }: { novelId: string }) {
  const t = useTranslations('codex.findings')
  const found = useFindings(novelId)
  const all = found.data?.pages.flatMap(({ items }) => items)
  const open = all?.filter(({ intended }) => intended === undefined) ?? []
  const intended = all?.filter(finding => finding.intended !== undefined) ?? []
  return (
    <Panel title={t('title')} hint={t('text')} data-findings>
      {found.error !== null && <ErrorNotice error={found.error} />}
      {all !== undefined && <Text role="status">{t('count', { count: open.length })}</Text>}
      {[...open, ...intended].map(finding => (
        <OneFinding key={finding.id} novelId={novelId} finding={finding} />
      ))}
      {(all === undefined || found.hasNextPage) && (
        <Button
          variant="default"
          w="fit-content"
          loading={found.isFetching}
          onClick={() => (found.isWanted ? void found.fetchNextPage() : found.want())}
        >
          {all === undefined ? t('check') : t('more')}
        </Button>
      )}
      <May need="write">
        <AskModel novelId={novelId} taskType="CheckCodex" />
      </May>
    </Panel>
  )
}

function OneFinding({ novelId, finding }: { novelId: string; finding: Finding }) {
  const t = useTranslations('codex.findings')
  const { id, code, name, quotation, entryQuotation, explanation, sceneId, intended } = finding
  const { dismiss, restore } = useDismissal(novelId)
  const [reason, setReason] = useState('')
  const error = dismiss.error ?? restore.error
  const canWrite = useMay('write')
  return (
    <Stack gap={4} data-finding={code}>
      <Text fw={600}>{t(`codes.${code}`, { name })}</Text>
      <Blockquote p="xs" my={0} fz="sm">
        {quotation}
      </Blockquote>
      {entryQuotation !== undefined && (
        <Text size="sm" data-entry-quotation>
          {t('entryQuotation', { name, quotation: entryQuotation })}
        </Text>
      )}
      {explanation !== undefined && explanation !== '' && (
        <Text size="sm" c="dimmed">
          {t('explanation', { explanation })}
        </Text>
      )}
      {error !== null && <ErrorNotice error={error} />}
      <Group gap="xs" align="end">
        <TextLink to="/novels/$novelId/scenes/$sceneId" params={{ novelId, sceneId }} size="sm">
          {t('scene')}
        </TextLink>
        {intended === undefined && canWrite && (
          <Form onSubmit={() => dismiss.mutate({ what: 'finding', key: id, reason })}>
            <Group gap="xs">
              <TextInput
                size="xs"
                aria-label={t('reason')}
                placeholder={t('reason')}
                maxLength={1_000}
                value={reason}
                onChange={({ currentTarget }) => setReason(currentTarget.value)}
              />
              <Button
                type="submit"
                size="xs"
                variant="default"
                disabled={reason.trim() === ''}
                loading={dismiss.isPending}
              >
                {t('intend')}
              </Button>
            </Group>
          </Form>
        )}
        {intended !== undefined && (
          <Text size="sm" c="dimmed">
            {t('intended', { reason: intended })}
          </Text>
        )}
        {intended !== undefined && canWrite && (
          <Button
            size="xs"
            variant="subtle"
            loading={restore.isPending}
            onClick={() => restore.mutate({ what: 'finding', key: id })}
          >
            {t('restore')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
