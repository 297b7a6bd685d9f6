import { List, Text } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { ModelProblemText } from '../parts/model-problem.tsx'
import { Section } from './section.tsx'

type Off = Capabilities['off'][number]

/** Capabilities that have words here; that of a newer server is told in its own. */
const named = ['prose', 'summary', 'embedding', 'novels'] as const

/** What this server cannot do, why, and what to do about it. */
export function WhatIsOff({ off }: { off: Capabilities['off'] }) {
  const t = useTranslations('settings.off')
  return (
    <Section id="off" title={t('title')}>
      {off.length === 0 && <Text size="sm">{t('nothing')}</Text>}
      <List spacing="sm" icon={<IconPlugOff size={16} aria-hidden />}>
        {off.map(each => (
          <List.Item key={each.capability} data-off={each.capability}>
            <Text fw={500}>
              <Name of={each} />
            </Text>
            <Text size="sm" c="dimmed">
              <Reason of={each} />
            </Text>
          </List.Item>
        ))}
      </List>
    </Section>
  )
}

function Name({ of: { capability } }: { of: Off }) {
  const t = useTranslations('settings.off.names')
  const known = named.find(each => each === capability)
  return known === undefined ? capability : t(known)
}

function Reason({ of: { capability, reason, model, problem } }: { of: Off }) {
  const t = useTranslations('settings.off.reasons')
  if (model !== undefined && problem !== undefined)
    return <ModelProblemText model={model} problem={problem} />
  const known = named.find(each => each === capability)
  return known === undefined ? <span lang="en">{reason}</span> : t(known)
}
