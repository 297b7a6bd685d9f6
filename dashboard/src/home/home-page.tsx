import { Group, Paper, Stack, Text, Title } from '@mantine/core'
import { IconBook2, IconListSearch, IconNotes, IconSitemap } from '@tabler/icons-react'
import { Navigate } from '@tanstack/react-router'
import { useTranslations } from 'use-intl'
import { useSummaryModel } from '../api/capabilities.ts'
import { codeOf } from '../api/client.ts'
import { useMay, useMe } from '../api/me.ts'
import { itemsOf } from '../api/pages.ts'
import { TextLink } from '../parts/links.tsx'
import { May } from '../parts/may.tsx'
import { Page } from '../parts/page.tsx'
import { PageTitle } from '../parts/page-title.tsx'
import { Empty, ErrorNotice, Loading } from '../parts/states.tsx'
import { BeginNovel } from './begin-novel.tsx'
import { BinnedNovels } from './binned.tsx'
import { ChooseFiles, PageDrop } from './choose-files.tsx'
import classes from './home.module.css'
import { SampleButton, SampleCards } from './samples.tsx'
import { useFinishedSendings } from './sending/queue.ts'
import { SendingList } from './sending/sending-list.tsx'
import { ShelfSection, useShelf, useShelfFollowing } from './shelf.tsx'
import { useUploads, WaitingUploads } from './waiting-uploads.tsx'
import { useWorking, WorkingSection } from './working.tsx'

/** The shelf, what is being worked on, and where to drop a novel. */
export function HomePage() {
  const t = useTranslations('home')
  useFinishedSendings()
  return (
    <Page>
      <PageTitle title={t('title')} />
      <Content />
      <May need="write">
        <PageDrop />
      </May>
    </Page>
  )
}

function Content() {
  const shelf = useShelf()
  const working = useWorking()
  const uploads = useUploads()
  const { data: me } = useMe()
  useShelfFollowing(working.data?.tasks)
  const failed = [shelf, working, uploads].find(({ data, error }) => data === undefined && error !== null)
  // A server may run tasks alone: then there is no shelf, and the overview is its first page.
  if (codeOf(shelf.error) === 'ROUTE_NOT_FOUND' && me !== undefined)
    return <Navigate to={me.sees === 'all' ? '/overview' : '/tasks'} replace />
  if (failed !== undefined) return <ErrorNotice error={failed.error} onRetry={failed.refetch} />
  if (shelf.data === undefined || working.data === undefined || uploads.data === undefined)
    return <Loading lines={6} />
  const novels = itemsOf(shelf.data)
  const waiting = uploads.data.filter(({ status }) => status === 'uploaded')
  const isEmpty = novels.length === 0 && waiting.length === 0 && working.data.tasks.length === 0
  const subjects = { novels, uploads: uploads.data }
  return (
    <>
      {isEmpty ? <OnEmptyShelf /> : <AddNovel />}
      <SendingList />
      <WorkingSection working={working.data} {...subjects} />
      <May need="write">
        <WaitingUploads uploads={waiting} />
      </May>
      {!isEmpty && <ShelfSection shelf={shelf} working={working.data.tasks} {...subjects} />}
      <May need="write">
        <BinnedNovels />
      </May>
      {!isEmpty && <ModelNote />}
    </>
  )
}

/** An empty shelf: how it is filled, for those who may. */
function OnEmptyShelf() {
  const t = useTranslations('home.readersWelcome')
  const { data: me } = useMe()
  if (useMay('write')) return <Welcome />
  return me === undefined ? <Loading lines={6} /> : <Empty title={t('title')} text={t('text')} />
}

/** What an empty shelf says: what this is, and what to do. */
function Welcome() {
  const t = useTranslations('home.welcome')
  return (
    <Stack gap="xl">
      <Paper className={classes['zone'] ?? ''} p={{ base: 'lg', sm: 48 }} data-zone>
        <Stack align="center" ta="center" gap="md">
          <IconBook2 size={56} stroke={1.25} aria-hidden color="var(--mantine-primary-color-filled)" />
          <Title order={2} className={classes['hero'] ?? ''}>
            {t('title')}
          </Title>
          <Text maw="36rem" size="lg">
            {t('text')}
          </Text>
          <WhatComesOut />
          <Group justify="center" mt="xs">
            <ChooseFiles size="md" />
            <BeginNovel size="md" variant="light" />
          </Group>
          <Text size="sm" c="dimmed">
            {t('formats')}
          </Text>
        </Stack>
      </Paper>
      <SampleCards />
      <ModelNote />
    </Stack>
  )
}

const outcomes = [
  { name: 'structure', icon: IconSitemap },
  { name: 'summaries', icon: IconNotes },
  { name: 'search', icon: IconListSearch },
] as const

/** What one has afterwards, at a glance. */
function WhatComesOut() {
  const t = useTranslations('home.welcome')
  return (
    <Group component="ul" gap="lg" justify="center" className={classes['plain'] ?? ''}>
      {outcomes.map(({ name, icon: Icon }) => (
        <Group key={name} component="li" gap={6} wrap="nowrap">
          <Icon size={20} stroke={1.5} aria-hidden color="var(--mantine-primary-color-filled)" />
          <Text size="sm">{t(name)}</Text>
        </Group>
      ))}
    </Group>
  )
}

/** Where the next novel comes from, where there are some already. */
function AddNovel() {
  const t = useTranslations('home')
  if (!useMay('write')) return null
  return (
    <Paper className={classes['zone'] ?? ''} p="md" data-zone>
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed" flex="1 1 14rem">
          {t('dropHere')}
        </Text>
        <Group gap="xs">
          <SampleButton />
          <BeginNovel variant="default" />
          <ChooseFiles variant="light" />
        </Group>
      </Group>
    </Paper>
  )
}

/** Where no model summarises: how summaries come about all the same, and what a model would add. */
function ModelNote() {
  const t = useTranslations('home')
  const model = useSummaryModel()
  if (model?.method !== 'extractive') return null
  return (
    <Text size="sm" c="dimmed" ta="center" data-model-note>
      {t.rich('noModel', {
        settings: words => (
          <TextLink to="/settings" underline="always">
            {words}
          </TextLink>
        ),
      })}
    </Text>
  )
}
