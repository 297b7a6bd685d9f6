import { Button, Divider, Group, Menu, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconChevronDown } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { useTranslations } from 'use-intl'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { useNotifyError } from '../parts/notify.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { useLanguageName } from '../text/format.ts'
import classes from './home.module.css'

type Sample = components['schemas']['Sample']

function useSamples() {
  return useQuery({
    queryKey: keys.samples,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/samples', { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** Imports a sample. Trying again after a lost answer is the same import: the key is kept until one is there. */
function useTakeSample() {
  const queries = useQueryClient()
  const key = useRef(new Map<string, string>())
  const t = useTranslations('home')
  const notifyError = useNotifyError()
  return useMutation({
    mutationFn(name: string) {
      const known = key.current.get(name) ?? newIdempotencyKey()
      key.current.set(name, known)
      const params = { path: { name }, header: { 'idempotency-key': known } }
      return dataOf(api.POST('/v1/samples/{name}:import', { params }))
    },
    onError(error) {
      if (codeOf(error) === 'OFFLINE') notifications.show({ message: t('lostAnswer'), color: 'yellow' })
      else notifyError(error)
    },
    async onSuccess(_, name) {
      key.current.delete(name)
      // The button stays busy until what it began is to be seen.
      await Promise.all(
        [keys.taskLists, keys.uploads, keys.novels].map(queryKey => queries.invalidateQueries({ queryKey })),
      )
    },
  })
}

/** The texts that come with the server, for those who have none at hand. */
export function SampleCards() {
  const t = useTranslations('home')
  const { data, error, refetch } = useSamples()
  const take = useTakeSample()
  if (error) return <ErrorNotice error={error} onRetry={refetch} />
  if (data?.items.length === 0) return null
  return (
    <Stack gap="md">
      <Divider label={<Text size="sm">{t('orSample')}</Text>} labelPosition="center" />
      <SimpleGrid cols={{ base: 1, xs: 2 }} maw="52rem" w="100%" mx="auto">
        {data?.items.map(sample => (
          <SampleCard
            key={sample.name}
            sample={sample}
            isBusy={take.isPending && take.variables === sample.name}
            isOff={take.isPending}
            onTake={() => take.mutate(sample.name)}
          />
        ))}
      </SimpleGrid>
    </Stack>
  )
}

interface SampleCardProps {
  sample: Sample
  isBusy: boolean
  isOff: boolean
  onTake: () => void
}

function SampleCard({ sample, isBusy, isOff, onTake }: SampleCardProps) {
  const t = useTranslations()
  const languageName = useLanguageName()
  const { title, language, chapters, words } = sample
  return (
    <Paper withBorder p="md" className={classes['book'] ?? ''}>
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Stack gap={2} miw={0}>
          <Text className={classes['bookTitle'] ?? ''} lang={language}>
            {title}
          </Text>
          <Text size="sm" c="dimmed">
            {[
              languageName(language),
              t('units.chapters', { count: chapters }),
              t('units.words', { count: words }),
            ]
              .filter(part => part !== undefined)
              .join(' · ')}
          </Text>
        </Stack>
        <Button
          variant="light"
          loading={isBusy}
          disabled={isOff && !isBusy}
          onClick={onTake}
          aria-label={t('home.takeSampleNamed', { title })}
        >
          {t('home.takeSample')}
        </Button>
      </Group>
    </Paper>
  )
}

/** The same, small, where there are novels already. */
export function SampleMenu() {
  const t = useTranslations('home')
  const { data } = useSamples()
  const take = useTakeSample()
  if (data === undefined || data.items.length === 0) return null
  return (
    <Menu>
      <Menu.Target>
        <Button
          variant="subtle"
          loading={take.isPending}
          rightSection={<IconChevronDown size={16} aria-hidden />}
        >
          {t('samples')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {data.items.map(({ name, title }) => (
          <Menu.Item key={name} onClick={() => take.mutate(name)}>
            {title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
