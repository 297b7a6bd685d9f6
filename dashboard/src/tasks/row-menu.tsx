import { ActionIcon } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { Suspense, useState } from 'react'
import { useTranslations } from 'use-intl'
import { lazyPart } from '../browser/lazy-part.ts'
import type { RowMenuProps } from './row-menu-items.tsx'

/** Comes when a person is about to open the first one: a long list has many of them, and few are opened. */
const RowMenuItems = lazyPart<'RowMenuItems', RowMenuProps>(
  () => import('./row-menu-items.tsx'),
  'RowMenuItems',
)

/** What can be done to the task of a row. */
export function RowMenu(props: RowMenuProps) {
  const t = useTranslations('tasks')
  const [isWanted, setIsWanted] = useState(false)
  const button = (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={t('actionsOf', { name: props.name })}
      aria-haspopup="menu"
      onPointerEnter={() => void RowMenuItems.preload()}
      onClick={() => setIsWanted(true)}
    >
      <IconDots size={18} aria-hidden />
    </ActionIcon>
  )
  if (!isWanted) return button
  return (
    <Suspense fallback={button}>
      <RowMenuItems {...props} />
    </Suspense>
  )
}
