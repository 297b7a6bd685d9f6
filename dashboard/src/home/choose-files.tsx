import { Button, type ButtonProps, FileButton } from '@mantine/core'
import { IconFileText } from '@tabler/icons-react'
import { useTranslations } from 'use-intl'
import { acceptedEndings } from './sending/accept.ts'
import { useSend } from './sending/use-send.ts'

/** Opens the file chooser of the browser, and sends what is chosen. */
export function ChooseFiles(props: ButtonProps) {
  const t = useTranslations('home')
  const send = useSend()
  return (
    <FileButton multiple accept={acceptedEndings} onChange={files => send(files)}>
      {({ onClick }) => (
        <Button leftSection={<IconFileText size={18} aria-hidden />} onClick={onClick} {...props}>
          {t('choose')}
        </Button>
      )}
    </FileButton>
  )
}
