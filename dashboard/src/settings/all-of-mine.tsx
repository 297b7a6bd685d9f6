import { Button, Paper, Stack } from '@mantine/core'
import { IconFileExport } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { ExportRow, useExports, useExportsToShow } from '../parts/exported.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { Section } from './section.tsx'

/** Makes one file of all that the user of the pages has, and shows those that are there. */
export function AllOfMine() {
  const t = useTranslations('settings.mine')
  const { begin, begun, tasks, error, refetch } = useExports('ExportUser')
  const shown = useExportsToShow(tasks ?? [])
  const isRunning = shown.some(({ done }) => !done)
  return (
    <Section id="mine" title={t('title')} text={t('text')}>
      <Stack gap="xs">
        {tasks === undefined && error !== null && <ErrorNotice error={error} onRetry={refetch} />}
        {shown.map(task => (
          <Paper key={task.id} withBorder p="sm">
            <ExportRow task={task} isAwaited={begun.includes(task.id)} />
          </Paper>
        ))}
        {begin.error !== null && <ErrorNotice error={begin.error} />}
        <Button
          variant="default"
          w="fit-content"
          leftSection={<IconFileExport size={18} aria-hidden />}
          loading={begin.isPending || isRunning}
          onClick={() => begin.mutate({})}
        >
          {t('action')}
        </Button>
      </Stack>
    </Section>
  )
}
