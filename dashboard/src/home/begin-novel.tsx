import { Button, type ButtonProps } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencilPlus } from '@tabler/icons-react'
import { Suspense } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'

const BeginDialog = lazyPart(() => import('./begin-dialog.tsx'), 'BeginDialog')

/** Begins a novel from nothing: asks what it is called, and goes to it. */
export function BeginNovel(props: ButtonProps) {
  const t = useTranslations('home.begin')
  const [isOpen, opened] = useDisclosure()
  return (
    <>
      <Button
        leftSection={<IconPencilPlus size={18} aria-hidden />}
        onClick={opened.open}
        onPointerEnter={BeginDialog.preload}
        onFocus={BeginDialog.preload}
        {...props}
      >
        {t('open')}
      </Button>
      {isOpen && (
        <Suspense>
          <BeginDialog onClose={opened.close} />
        </Suspense>
      )}
    </>
  )
}
