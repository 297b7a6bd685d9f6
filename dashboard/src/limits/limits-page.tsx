import { Alert, Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { RangeControl } from '../parts/chart.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Facts } from '../parts/facts.tsx'
import { May } from '../parts/may.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { SetDialog, type Typed } from '../parts/set-dialog.tsx'
import { Empty, ErrorNotice, Pending } from '../parts/states.tsx'
import { Countdown } from '../parts/time.tsx'
import { useWriting } from '../text/format.ts'
import { LimitOverTime, useLimitHistory } from './limit-history.tsx'
import { WhoWaits } from './who-waits.tsx'

type Limit = components['schemas']['Limit']

/** Milliseconds: no event tells of a limit. */
const readAgainMs = 5_000

const from = '/limits'

/** How fast models may be called, and which are not called because their provider asked to wait. */
export function LimitsPage() {
  const t = useTranslations('limits')
  const ofOverview = useTranslations('overview')
  const [asked, setAsked] = useState<string>()
  const { range = 'hour' } = useSearch({ from })
  const navigate = useNavigate({ from })
  const history = useLimitHistory(range)
  const { data, error, refetch } = useQuery({
    queryKey: keys.limits,
    queryFn: () => dataOf(api.GET('/v1/limits')),
    staleTime: readAgainMs,
    refetchInterval: readAgainMs,
  })
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')}>
        {data !== undefined && data.items.length > 0 && (
          <RangeControl
            range={range}
            onRange={next => void navigate({ search: next === 'hour' ? {} : { range: next }, replace: true })}
          />
        )}
      </PageTitle>
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={6} />}
      {history?.isComplete === false && <Alert color="yellow">{ofOverview('incomplete')}</Alert>}
      {data?.items.length === 0 && <Empty title={t('noneTitle')} text={t('noneText')} />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {data?.items.map(limit => (
          <LimitCard key={limit.key} {...{ limit, history }} onReset={() => setAsked(limit.key)} />
        ))}
      </SimpleGrid>
      {asked !== undefined && <ResetDialog limit={asked} onClose={() => setAsked(undefined)} />}
    </Page>
  )
}

interface LimitCardProps {
  limit: Limit
  history: ReturnType<typeof useLimitHistory>
  onReset: () => void
}

function LimitCard({ limit: limited, history, onReset }: LimitCardProps) {
  const t = useTranslations('limits')
  const writing = useWriting()
  const { key, limit, inFlight, waiting, requests, tokens } = limited
  const ofMost = (used: number, most: number | undefined) =>
    most === undefined ? writing.number(used) : t('ofMost', { used, most })
  return (
    <Paper withBorder p="md" data-limit={key}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h4" miw={0} style={{ overflowWrap: 'anywhere' }}>
            {key}
          </Title>
          <StateBadge limit={limited} />
        </Group>
        <Reason limit={limited} />
        <Facts
          facts={[
            [t('running'), ofMost(inFlight, limit.concurrency)],
            [t('waiting'), writing.number(waiting)],
            [t('requests'), ofMost(requests, limit.requestsPerMinute)],
            [t('tokens'), ofMost(tokens, limit.tokensPerMinute)],
          ]}
        />
        <WhoWaits limit={limited} />
        {history && <LimitOverTime limit={key} history={history} />}
        <SetMark limit={limited} />
        <May need="operate">
          <Group gap="sm">
            <ChangeLimit limit={limited} />
            <Button size="xs" variant="default" aria-label={t('resetLabel', { key })} onClick={onReset}>
              {t('reset')}
            </Button>
          </Group>
        </May>
      </Stack>
    </Paper>
  )
}

type LimitPart = (typeof parts)[number]

const parts = ['requestsPerMinute', 'tokensPerMinute', 'concurrency'] as const

/** Says which parts an operator set, and what each was configured to. */
function SetMark({ limit: { setLimit, configured } }: { limit: Limit }) {
  const t = useTranslations('limits')
  if (setLimit === undefined) return null
  return parts
    .filter(part => setLimit[part] !== undefined)
    .map(part => {
      const earlier = configured?.[part]
      return (
        <Text key={part} size="sm" data-set-limit={part}>
          {t('setBy', { part: t(`parts.${part}`) })}{' '}
          {earlier === undefined ? t('configuredNone') : t('configured', { number: earlier })}
        </Text>
      )
    })
}

/** What changes a limit while it is in use. */
function ChangeLimit({ limit: limited }: { limit: Limit }) {
  const t = useTranslations('limits')
  const { key, limit, setLimit } = limited
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={t('changeLabel', { key })}
        onClick={() => setIsOpen(true)}
      >
        {t('change')}
      </Button>
      {isOpen && (
        <SetDialog
          words={{
            title: t('changeTitle', { key }),
            text: t('changeText'),
            action: t('changeAction'),
            reset: t('changeReset'),
            done: t('changed', { key }),
          }}
          numbers={parts.map(name => ({
            name,
            label: t(`parts.${name}`),
            now: limit[name],
            max: Number.MAX_SAFE_INTEGER,
          }))}
          isSet={setLimit !== undefined}
          changeOf={typed => {
            const changed = parts.filter(name => typed[name] !== limit[name])
            return changed.length === 0
              ? undefined
              : (Object.fromEntries(changed.map(name => [name, typed[name]])) as Typed<LimitPart>)
          }}
          save={next =>
            dataOf(api.PATCH('/v1/limits/{key}', { params: { path: { key } }, body: { limit: next } }))
          }
          queryKey={keys.limits}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  )
}

const colors = { open: 'green', probed: 'yellow', parked: 'red' } as const

/** Whether calls are made: all, one that probes, none. */
function StateBadge({ limit: { parkedUntil, isProbed } }: { limit: Limit }) {
  const t = useTranslations('limits')
  const state = parkedUntil !== undefined ? 'parked' : isProbed === true ? 'probed' : 'open'
  return (
    <Badge color={colors[state]} variant="light" data-state={state}>
      {t(`states.${state}`)}
    </Badge>
  )
}

/** Why calls wait, and until when. */
function Reason({ limit: { parkedUntil, isProbed, isProbing } }: { limit: Limit }) {
  const t = useTranslations('limits')
  if (parkedUntil !== undefined)
    return (
      <Text size="sm">
        {t('parked')} <Countdown at={parkedUntil} />
      </Text>
    )
  if (isProbed !== true) return null
  return <Text size="sm">{isProbing === true ? t('probing') : t('probed')}</Text>
}

/** Asks before a limit is reset, and does it. */
function ResetDialog({ limit: key, onClose }: { limit: string; onClose: () => void }) {
  const t = useTranslations('limits')
  const queries = useQueryClient()
  const reset = useMutation({
    mutationFn: () => dataOf(api.POST('/v1/limits:reset', { body: { key } })),
    onSuccess() {
      notifyDone(t('done', { key }))
      onClose()
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.limits }),
  })
  return (
    <Confirm
      title={t('resetTitle')}
      action={t('resetAction')}
      isBusy={reset.isPending}
      onConfirm={() => reset.mutate()}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text style={{ overflowWrap: 'anywhere' }}>{t('resetText', { key })}</Text>
        {reset.error !== null && <ErrorNotice error={reset.error} />}
      </Stack>
    </Confirm>
  )
}
