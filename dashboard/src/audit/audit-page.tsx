import { Button, Center, Stack, Text } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { ExportMenu } from '../parts/export-menu.tsx'
import { May, PageFor } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, ErrorNotice, MoreButton, Pending } from '../parts/states.tsx'
import type { AuditSearch } from '../queries/search.ts'
import { AuditFilters } from './audit-filters.tsx'
import { auditQueryOf, useAudit } from './audit-queries.ts'
import { AuditTable } from './audit-table.tsx'

/** Who changed what over the API, when, and from where. */
export function AuditPage() {
  const t = useTranslations('audit')
  const search = useSearch({ from: '/audit' })
  const navigate = useNavigate({ from: '/audit' })
  const onSearch = (changed: AuditSearch) => void navigate({ search: changed, resetScroll: false })
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')}>
        <May need="administer">
          <ExportAudit search={search} />
        </May>
      </PageTitle>
      <PageFor need="administer">
        <AuditFilters search={search} onSearch={onSearch} />
        <Trail search={search} onSearch={onSearch} />
      </PageFor>
    </Page>
  )
}

function ExportAudit({ search }: { search: AuditSearch }) {
  const query = auditQueryOf(search)
  return (
    <ExportMenu
      name="audit"
      read={format =>
        dataOf(api.GET('/v1/audit:export', { params: { query: { ...query, format } }, parseAs: 'blob' }))
      }
    />
  )
}

/** The lines, or what stands in their place. */
function Trail({ search, onSearch }: { search: AuditSearch; onSearch: (search: AuditSearch) => void }) {
  const t = useTranslations('audit')
  const trail = useAudit(search)
  const { lines, error, refetch } = trail
  if (lines === undefined) return <Pending error={error} onRetry={refetch} lines={8} />
  return (
    <>
      {error !== null && <ErrorNotice error={error} onRetry={refetch} />}
      {lines.length === 0 ? (
        <NoLines isFiltered={Object.keys(search).length > 0} onClear={() => onSearch({})} />
      ) : (
        <AuditTable lines={lines} onSearch={onSearch} />
      )}
      <Center>
        <Stack align="center" gap="xs">
          <Text size="sm" c="dimmed" className="numbers">
            {t(trail.hasNextPage ? 'soFar' : 'all', { count: lines.length })}
          </Text>
          {trail.hasNextPage && (
            <MoreButton isBusy={trail.isFetchingNextPage} onMore={() => trail.fetchNextPage()} />
          )}
          <Button
            variant="subtle"
            size="xs"
            leftSection={<IconRefresh size={16} aria-hidden />}
            loading={trail.isRefetching && !trail.isFetchingNextPage}
            onClick={() => void refetch()}
          >
            {t('refresh')}
          </Button>
        </Stack>
      </Center>
    </>
  )
}

/** In place of a trail without lines: nothing was changed, or nothing fits the filters. */
function NoLines({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  const t = useTranslations('audit')
  if (!isFiltered) return <Empty title={t('noneTitle')} text={t('noneText')} />
  return (
    <Empty title={t('noMatchTitle')} text={t('noMatchText')}>
      <Button onClick={onClear}>{t('clear')}</Button>
    </Empty>
  )
}
