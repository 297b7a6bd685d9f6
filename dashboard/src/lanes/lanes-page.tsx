import { Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Facts } from '../parts/facts.tsx'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { PauseButton } from '../parts/pause-button.tsx'
import { SetDialog } from '../parts/set-dialog.tsx'
import { Pending } from '../parts/states.tsx'
import { Ago } from '../parts/time.tsx'
import { useLanes } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'

type Lane = components['schemas']['Lane']

/** The lanes: how much of each runs and waits, why it waits, and how it is paused. */
export function LanesPage() {
  const t = useTranslations('lanes')
  const { data, error, refetch } = useLanes()
  return (
    <Page>
      <PageTitle title={t('title')} below={t('below')} />
      {(error !== null || data === undefined) && <Pending error={error} onRetry={refetch} lines={6} />}
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {data?.items.map(lane => (
          <LaneCard key={lane.lane} lane={lane} />
        ))}
      </SimpleGrid>
    </Page>
  )
}

function LaneCard({ lane: about }: { lane: Lane }) {
  const t = useTranslations('lanes')
  const writing = useWriting()
  const { lane, paused, waiting, allSlots, allRunning, workers, oldestWaitingAt, waitsFor, setSlots } = about
  return (
    <Paper withBorder p="md" data-lane={lane}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={2} size="h4" miw={0} style={{ overflowWrap: 'anywhere' }}>
            {lane}
          </Title>
          <Badge color={paused ? 'yellow' : 'green'} variant="light" data-state={paused ? 'paused' : 'open'}>
            {t(paused ? 'paused' : 'open')}
          </Badge>
        </Group>
        <Facts
          facts={[
            [t('running'), t('ofSlots', { running: allRunning, slots: allSlots })],
            [t('workers'), writing.number(workers)],
            [t('waiting'), writing.number(waiting)],
          ]}
        />
        {setSlots !== undefined && (
          <Text size="sm" data-set-slots={setSlots}>
            {t('setSlots', { slots: setSlots })}
          </Text>
        )}
        {oldestWaitingAt !== undefined && (
          <Text size="sm">
            {t('oldest')} <Ago at={oldestWaitingAt} />
          </Text>
        )}
        {waitsFor !== undefined && (
          <Text size="sm" fw={500} data-waits-for={waitsFor}>
            {t(`waitsFor.${waitsFor}`)}
          </Text>
        )}
        <Group gap="sm">
          <May need="operate">
            <LaneSwitch lane={lane} paused={paused} />
            <LaneSlots lane={about} />
          </May>
          <TextLink to="/tasks" search={{ lane }} size="sm">
            {t('tasksOf', { lane })}
          </TextLink>
        </Group>
      </Stack>
    </Paper>
  )
}

function LaneSwitch({ lane, paused }: Pick<Lane, 'lane' | 'paused'>) {
  const t = useTranslations('lanes')
  const params = { path: { lane } }
  const verb = t(paused ? 'resume' : 'pause')
  const done = t(paused ? 'resumed' : 'nowPaused', { lane })
  return (
    <PauseButton
      paused={paused}
      words={{ verb, label: t('named', { verb, lane }), done }}
      onChange={() =>
        dataOf(
          paused
            ? api.POST('/v1/lanes/{lane}:resume', { params })
            : api.POST('/v1/lanes/{lane}:pause', { params }),
        )
      }
      queryKey={keys.lanes}
    />
  )
}

/** What sets the slots of a lane in each process. */
function LaneSlots({ lane }: { lane: Lane }) {
  const t = useTranslations('lanes')
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={t('slotsOf', { lane: lane.lane })}
        onClick={() => setIsOpen(true)}
      >
        {t('slots')}
      </Button>
      {isOpen && <SlotsDialog lane={lane} onClose={() => setIsOpen(false)} />}
    </>
  )
}

function SlotsDialog({ lane: { lane, slots, setSlots }, onClose }: { lane: Lane; onClose: () => void }) {
  const t = useTranslations('lanes')
  return (
    <SetDialog
      words={{
        title: t('slotsTitle', { lane }),
        text: t('slotsText'),
        action: t('slotsAction'),
        reset: t('slotsReset'),
        done: t('slotsSet', { lane }),
      }}
      numbers={[
        {
          name: 'slots',
          label: t('slotsLabel'),
          hint: t('slotsHint'),
          now: setSlots ?? slots,
          max: 1_000,
        },
      ]}
      isSet={setSlots !== undefined}
      changeOf={typed => typed.slots}
      save={next =>
        dataOf(api.PATCH('/v1/lanes/{lane}', { params: { path: { lane } }, body: { slots: next } }))
      }
      queryKey={keys.lanes}
      onClose={onClose}
    />
  )
}
