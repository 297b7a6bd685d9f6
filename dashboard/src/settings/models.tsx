import { Alert, Badge, Button, Code, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle, IconPlus } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { Capabilities, Model } from '../api/capabilities.ts'
import { useMay } from '../api/me.ts'
import { Confirm } from '../parts/dialog.tsx'
import { CopyButton } from '../parts/export-text.tsx'
import { Facts } from '../parts/facts.tsx'
import { NeedsRole } from '../parts/may.tsx'
import { ModelProblemText, modelCommands } from '../parts/model-setup.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { useWriting } from '../text/format.ts'
import { ModelDialog } from './model-dialog.tsx'
import {
  type KeptModel,
  type KeptModels,
  useChangeModels,
  useKeptModels,
  useTestModel,
} from './model-queries.ts'
import { Trial } from './model-trial.tsx'
import { Section } from './section.tsx'

/** The models: what each is for, what it costs, how fast it may be called; where the server lets them be set up here, that too. Keys are never shown. */
export function Models({ capabilities: { models, modelSettings } }: { capabilities: Capabilities }) {
  const t = useTranslations('settings.models')
  const [isAdding, setIsAdding] = useState(false)
  const canSetUp = useMay('administer')
  const { data: list } = useKeptModels(modelSettings.available && canSetUp)
  // The address may point here, and this part comes later than the page.
  useEffect(() => {
    if (window.location.hash === '#models') document.getElementById('models')?.scrollIntoView()
  }, [])
  const isAlone = models.every(({ provider }) => provider === 'built-in')
  return (
    <Section id="models" title={t('title')} text={t('text')}>
      {isAlone && (
        <Alert color="gray" title={t('noneTitle')}>
          {t('none')}
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {models.map(model => (
          <ModelCard key={model.id} model={model} list={list} />
        ))}
        {list?.items
          .filter(({ id, isOverruled }) => isOverruled || models.every(model => model.id !== id))
          .map(kept => (
            <UnusedModel key={`kept ${kept.id}`} kept={kept} list={list} />
          ))}
      </SimpleGrid>
      {list !== undefined && (
        <Button
          w="fit-content"
          leftSection={<IconPlus size={18} aria-hidden />}
          onClick={() => setIsAdding(true)}
        >
          {t('add')}
        </Button>
      )}
      {list !== undefined && isAdding && (
        <ModelDialog kept={undefined} list={list} onClose={() => setIsAdding(false)} />
      )}
      {canSetUp ? (
        <HowToSetUp isElsewhere={!modelSettings.available} />
      ) : (
        <NeedsRole need="administer" title={t('needs')} />
      )}
    </Section>
  )
}

/** A kept model that is not used, with the reason. */
function UnusedModel({ kept, list }: { kept: KeptModel; list: KeptModels }) {
  const t = useTranslations('settings.models')
  return (
    <Paper withBorder p="md" data-unused={kept.id}>
      <Stack gap="sm">
        <Title order={3}>{kept.id}</Title>
        {kept.problem !== undefined && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('problem')}>
            <Text size="sm" lang="en">
              {kept.problem}
            </Text>
          </Alert>
        )}
        <KeptModelControls kept={kept} list={list} />
      </Stack>
    </Paper>
  )
}

function ModelCard({ model, list }: { model: Model; list: KeptModels | undefined }) {
  const t = useTranslations('settings.models')
  const kept = list?.items.find(each => each.id === model.id && !each.isOverruled)
  const { id, provider, uses, defaultFor, problem } = model
  const isBuiltIn = provider === 'built-in'
  return (
    <Paper withBorder p="md" data-model={id}>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <Title order={3}>{id}</Title>
          <Group gap={4}>
            {uses.map(use => (
              <Use key={use} use={use} isDefault={defaultFor.includes(use)} />
            ))}
          </Group>
        </Group>
        {problem !== undefined && (
          <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={t('problem')}>
            <Text size="sm">
              <ModelProblemText model={id} problem={problem} />
            </Text>
          </Alert>
        )}
        {isBuiltIn ? <Text size="sm">{t('builtIn')}</Text> : <ModelFacts model={model} />}
        {list !== undefined && !isBuiltIn && <TestButton id={id} />}
        {list !== undefined && kept !== undefined && <KeptModelControls kept={kept} list={list} />}
        {list !== undefined && kept === undefined && !isBuiltIn && (
          <Text size="sm" c="dimmed">
            {t('configured')}
          </Text>
        )}
      </Stack>
    </Paper>
  )
}

/** Uses that have a name here; that of a newer server is shown as it is. */
const knownUses = ['prose', 'summary', 'embedding'] as const

function Use({ use, isDefault }: { use: string; isDefault: boolean }) {
  const t = useTranslations('settings.models')
  const known = knownUses.find(each => each === use)
  const name = known === undefined ? use : t(`uses.${known}`)
  return (
    <Badge variant={isDefault ? 'filled' : 'light'} color={isDefault ? 'ink' : 'gray'}>
      {isDefault ? t('usual', { use: name }) : name}
    </Badge>
  )
}

function ModelFacts({ model }: { model: Model }) {
  const t = useTranslations('settings.models')
  const writing = useWriting()
  const { provider, model: name, contextTokens, maxOutputTokens, dimensions, price, fallbacks = [] } = model
  const money = (amount: number) => writing.money(amount, price?.currency)
  return (
    <Facts
      facts={[
        [t('provider'), `${provider} · ${name}`],
        [t('context'), contextTokens && t('tokens', { count: contextTokens })],
        [t('answer'), maxOutputTokens && t('tokens', { count: maxOutputTokens })],
        [t('dimensions'), dimensions && writing.number(dimensions)],
        [
          t('price'),
          price === undefined
            ? t('noPrice')
            : t('perMillion', {
                input: money(price.input),
                cached: price.cachedInput === undefined ? 'none' : money(price.cachedInput),
                output: money(price.output),
              }),
        ],
        [t('limits'), useLimits(model)],
        [
          t('fallbacks'),
          fallbacks.length > 0 &&
            fallbacks
              .map(({ model: other, on }) => t('fallback', { model: other, on: on.join(', ') }))
              .join('; '),
        ],
      ]}
    />
  )
}

function useLimits({ limits = {} }: Model): string {
  const t = useTranslations('settings.models')
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits
  const said = [
    requestsPerMinute !== undefined && t('requests', { count: requestsPerMinute }),
    tokensPerMinute !== undefined && t('tokensPerMinute', { count: tokensPerMinute }),
    concurrency !== undefined && t('concurrency', { count: concurrency }),
  ].filter(part => part !== false)
  return said.length === 0 ? t('noLimits') : said.join(' · ')
}

/** How a model is set up by the operator of the server, in its environment or its configuration. `isElsewhere`: it cannot be done on this page. */
function HowToSetUp({ isElsewhere }: { isElsewhere: boolean }) {
  const t = useTranslations('settings.setUp')
  return (
    <Paper withBorder p="md" data-set-up>
      <Stack gap="md">
        <Title order={3}>{t('title')}</Title>
        {isElsewhere && <Text size="sm">{t('elsewhere')}</Text>}
        <Text size="sm">{t('text')}</Text>
        <Commands title={t('own')} commands={modelCommands.own} />
        <Commands title={t('provider')} commands={modelCommands.provider} />
        <Text size="sm">{t('several')}</Text>
        <Text size="sm" c="dimmed">
          {t('keys')}
        </Text>
      </Stack>
    </Paper>
  )
}

function Commands({ title, commands }: { title: string; commands: string }) {
  const t = useTranslations('settings.setUp')
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" fw={500}>
          {title}
        </Text>
        <CopyButton text={commands} label={t('copy')} />
      </Group>
      <Code block tabIndex={0} aria-label={title}>
        {commands}
      </Code>
    </Stack>
  )
}

/** What can be done with a model that is kept: test it, change it, use it first, remove it. */
function KeptModelControls({ kept, list }: { kept: KeptModel; list: KeptModels }) {
  const t = useTranslations('settings.kept')
  const [opened, setOpened] = useState<'change' | 'remove'>()
  const { mutate, isPending } = useChangeModels(list)
  const onError = useNotifyError()
  const { id, key, isOverruled } = kept
  const isFirst = list.items.find(each => !each.isOverruled)?.id === id
  const close = () => setOpened(undefined)
  return (
    <Stack gap="xs">
      {isOverruled && <Text size="sm">{t('overruled')}</Text>}
      <Text size="sm" c="dimmed">
        {key === undefined
          ? t('noKey')
          : t('key', { end: key.lastCharacters === '' ? '…' : key.lastCharacters, origin: key.origin })}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={() => setOpened('change')}>
          {t('change')}
        </Button>
        {!isFirst && !isOverruled && (
          <Button
            size="xs"
            variant="default"
            loading={isPending}
            onClick={() => mutate({ how: 'prefer', id }, { onError })}
          >
            {t('prefer')}
          </Button>
        )}
        <Button size="xs" variant="subtle" color="red" onClick={() => setOpened('remove')}>
          {t('remove')}
        </Button>
      </Group>
      {opened === 'change' && <ModelDialog kept={kept} list={list} onClose={close} />}
      {opened === 'remove' && (
        <Confirm
          title={t('removeTitle', { id })}
          action={t('remove')}
          isDangerous
          isBusy={isPending}
          onClose={close}
          onConfirm={() =>
            mutate(
              { how: 'remove', id },
              {
                onError,
                onSuccess: () => notifyDone(t('removed', { id })),
                onSettled: close,
              },
            )
          }
        >
          <Text>{t('removeText')}</Text>
        </Confirm>
      )}
    </Stack>
  )
}

/** Calls the model once, as it is used. */
function TestButton({ id }: { id: string }) {
  const t = useTranslations('settings.test')
  const { mutate, data, error, isPending } = useTestModel()
  return (
    <Stack gap="xs">
      <Button size="xs" variant="light" w="fit-content" loading={isPending} onClick={() => mutate({ id })}>
        {t('test')}
      </Button>
      <Trial trial={data} error={error} />
    </Stack>
  )
}
