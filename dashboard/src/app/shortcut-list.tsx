import { Group, Kbd, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { usePreferences } from '../browser/preferences.ts'
import { Dialog } from '../parts/dialog.tsx'

/** The keyboard map, by where it holds. The one list of all keys: a page that adds one adds it here. */
const map = [
  {
    group: 'groupGo',
    keys: [
      ['g s', 'goShelf'],
      ['g o', 'goOverview'],
      ['g t', 'goTasks'],
      ['g d', 'goDeadLetters'],
      ['g q', 'goLanes'],
      ['g c', 'goSchedules'],
      ['g w', 'goWorkers'],
      ['g v', 'goEvents'],
      ['g a', 'goAudit'],
      ['g u', 'goUsage'],
      ['g l', 'goLimits'],
      ['g e', 'goSettings'],
    ],
  },
  {
    group: 'groupAll',
    keys: [
      ['?', 'help'],
      ['/', 'search'],
      ['t', 'theme'],
      ['Esc', 'escape'],
    ],
  },
  {
    group: 'groupList',
    keys: [
      ['j', 'next'],
      ['k', 'previous'],
      ['x', 'select'],
      ['Enter', 'open'],
    ],
  },
  {
    group: 'groupReader',
    keys: [
      ['n', 'nextChapter'],
      ['p', 'previousChapter'],
    ],
  },
  {
    group: 'groupTask',
    keys: [
      ['c', 'cancel'],
      ['r', 'retry'],
    ],
  },
] as const

/** Shows which keys do what. */
export function ShortcutList({ onClose }: { onClose: () => void }) {
  const t = useTranslations()
  const { shortcuts: isOn } = usePreferences()
  return (
    <Dialog onClose={onClose} title={t('shortcuts.title')}>
      <Stack gap="lg">
        {!isOn && <Text c="dimmed">{t('shortcuts.off')}</Text>}
        {map.map(({ group, keys }) => (
          <Stack key={group} gap="xs">
            <Title order={3}>{t(`shortcuts.${group}`)}</Title>
            {keys.map(([key, what]) => (
              <Group key={key} justify="space-between">
                <Text>{t(`shortcuts.${what}`)}</Text>
                <Group gap={4}>
                  {key.split(' ').map(each => (
                    <Kbd key={each}>{each}</Kbd>
                  ))}
                </Group>
              </Group>
            ))}
          </Stack>
        ))}
      </Stack>
    </Dialog>
  )
}
