import { Button, type ButtonProps, Center, FileButton, Portal, Stack, Text } from '@mantine/core'
import { IconBook2, IconFileText } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { useTranslations } from 'use-intl'
import { acceptedEndings } from '../api/send-file.ts'
import classes from './home.module.css'
import { useSend } from './sending/queue.ts'

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

/** Takes files that are dropped anywhere on the page, and shows that it would while they are held above it. */
export function PageDrop() {
  const t = useTranslations('home')
  const send = useSend()
  const isOver = useDrop(send)
  if (!isOver) return null
  return (
    <Portal>
      <Center className={classes['overlay'] ?? ''} aria-hidden data-dropping>
        <Stack align="center" gap="xs">
          <IconBook2 size={64} stroke={1.25} />
          <Text size="xl" fw={650}>
            {t('letGo')}
          </Text>
        </Stack>
      </Center>
    </Portal>
  )
}

/** Listens for files on the whole window. Returns whether some are held above it now. */
function useDrop(onFiles: (files: File[]) => void): boolean {
  const [isOver, setIsOver] = useState(false)
  const take = useRef(onFiles)
  useEffect(() => {
    take.current = onFiles
  })
  useEffect(() => {
    const stop = new AbortController()
    const on = (name: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) =>
      window.addEventListener(
        name,
        event => {
          // Text that is dragged within the page is none of ours.
          if (event.dataTransfer?.types.includes('Files')) act(event)
        },
        { signal: stop.signal },
      )
    on('dragenter', () => setIsOver(true))
    // Without this, the browser would open the file in place of the page.
    on('dragover', event => event.preventDefault())
    on('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) setIsOver(false)
    })
    on('drop', event => {
      event.preventDefault()
      setIsOver(false)
      take.current([...(event.dataTransfer?.files ?? [])])
    })
    return () => stop.abort()
  }, [])
  return isOver
}
