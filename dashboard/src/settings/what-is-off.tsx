import { List, Text } from '@mantine/core'
import { IconPlugOff } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import type { Capabilities } from '../api/capabilities.ts'
import { Section } from './section.tsx'

/** Capabilities that have a name here; that of a newer server is shown as it is. */
const named = ['prose', 'summary', 'embedding', 'novels'] as const

/** What this server cannot do, why, and what to do about it, in the words of the server. */
export function WhatIsOff({ off }: { off: Capabilities['off'] }) {
  const t = useTranslations('settings.off')
  const nameOf = (capability: string) => {
    const known = named.find(each => each === capability)
    return known === undefined ? capability : t(`names.${known}`)
  }
  return (
    <Section id="off" title={t('title')}>
      {off.length === 0 && <Text size="sm">{t('nothing')}</Text>}
      <List spacing="sm" icon={<IconPlugOff size={16} aria-hidden />}>
        {off.map(({ capability, reason }) => (
          <List.Item key={capability} data-off={capability}>
            <Text fw={500}>{nameOf(capability)}</Text>
            <Text size="sm" c="dimmed">
              {reason}
            </Text>
          </List.Item>
        ))}
      </List>
    </Section>
  )
}
