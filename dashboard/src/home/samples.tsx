import { Button, Divider, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { useTranslations } from 'use-intl'
import { defined } from '../../../src/task/defined.ts'
import { api, codeOf, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { newIdempotencyKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { Dialog } from '../parts/dialog.tsx'
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
  if (error) return <ErrorNotice error={error} onRetry={refetch} />
  if (data?.items.length === 0) return null
  return (
    <Stack gap="md">
      <Divider label={<Text size="sm">{t('orSample')}</Text>} labelPosition="center" />
      <SampleList />
    </Stack>
  )
}

/** The samples, each to be taken. `onTaken`: the import of one has begun, and is to be seen. */
function SampleList({ onTaken }: { onTaken?: () => void }) {
  const { data } = useSamples()
  const take = useTakeSample()
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} maw="52rem" w="100%" mx="auto">
      {data?.items.map(sample => (
        <SampleCard
          key={sample.name}
          sample={sample}
          isBusy={take.isPending && take.variables === sample.name}
          isOff={take.isPending}
          onTake={() => take.mutate(sample.name, defined({ onSuccess: onTaken }))}
        />
      ))}
    </SimpleGrid>
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

/** The same, behind a button, where there are novels already. */
export function SampleButton() {
  const t = useTranslations('home')
  const [isOpen, opened] = useDisclosure()
  const { data } = useSamples()
  if (data === undefined || data.items.length === 0) return null
  return (
    <>
      <Button variant="subtle" onClick={opened.open}>
        {t('samples')}
      </Button>
      {isOpen && (
        <Dialog size="lg" title={t('samples')} onClose={opened.close} centered>
          <SampleList onTaken={opened.close} />
        </Dialog>
      )}
    </>
  )
}
