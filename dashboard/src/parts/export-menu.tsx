import { Button, Menu } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useTranslations } from 'use-intl'
import { download } from './export-text.tsx'
import { useNotifyError } from './notify.tsx'

/** Takes a whole list along as a file. `name`: of the file, without its ending. `read`: asks the API for it. */
export function ExportMenu({
  name,
  read,
}: {
  name: string
  read: (format: 'csv' | 'ndjson') => Promise<Blob>
}) {
  const t = useTranslations('parts.exportList')
  const notifyError = useNotifyError()
  const take = useMutation({
    mutationFn: async (format: 'csv' | 'ndjson') => download(`${name}.${format}`, await read(format)),
    onError: notifyError,
  })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="default"
          loading={take.isPending}
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {t('title')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => take.mutate('csv')}>{t('csv')}</Menu.Item>
        <Menu.Item onClick={() => take.mutate('ndjson')}>{t('ndjson')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
