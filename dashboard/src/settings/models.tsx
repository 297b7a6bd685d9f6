import { Alert, Badge, Code, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useEffect } from 'react'
import { useTranslations } from 'use-intl'
import type { Model } from '../api/capabilities.ts'
import { CopyButton } from '../parts/export-text.tsx'
import { Facts } from '../parts/facts.tsx'
import { ModelProblemText, modelCommands } from '../parts/model-setup.tsx'
import { useWriting } from '../text/format.ts'
import { Section } from './section.tsx'

/** The models: what each is for, what it costs, how fast it may be called. Keys are never shown. */
export function Models({ models }: { models: readonly Model[] }) {
  const t = useTranslations('settings.models')
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
          <ModelCard key={model.id} model={model} />
        ))}
      </SimpleGrid>
      <HowToSetUp />
    </Section>
  )
}

function ModelCard({ model }: { model: Model }) {
  const t = useTranslations('settings.models')
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
            : t('perMillion', { input: money(price.input), output: money(price.output) }),
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

/** How a model is set up: by the operator of the server, in its environment or its configuration. */
function HowToSetUp() {
  const t = useTranslations('settings.setUp')
  return (
    <Paper withBorder p="md" data-set-up>
      <Stack gap="md">
        <Title order={3}>{t('title')}</Title>
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
