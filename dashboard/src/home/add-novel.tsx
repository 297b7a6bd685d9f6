import { Group, Paper, Text } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ChooseFiles } from './choose-files.tsx'
import classes from './home.module.css'
import { SampleMenu } from './samples.tsx'

/** Where the next novel comes from, where there are some already. */
export function AddNovel() {
  const t = useTranslations('home')
  return (
    <Paper className={classes['zone'] ?? ''} p="md" data-zone>
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed" flex="1 1 14rem">
          {t('dropHere')}
        </Text>
        <Group gap="xs">
          <SampleMenu />
          <ChooseFiles variant="light" />
        </Group>
      </Group>
    </Paper>
  )
}
