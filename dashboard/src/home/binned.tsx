import { Button, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ComponentProps, Suspense } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { lazyPart } from '../browser/lazy-part.ts'
import type { BinDialog as Bin } from './bin-dialog.tsx'

/** Comes when it is opened first. */
const BinDialog = lazyPart<'BinDialog', ComponentProps<typeof Bin>>(
  () => import('./bin-dialog.tsx'),
  'BinDialog',
)

/** The way to the novels that were deleted. Nothing while there are none. */
export function BinnedNovels() {
  const t = useTranslations('home.bin')
  const [isOpen, { open, close }] = useDisclosure()
  const { data } = useQuery({
    queryKey: keys.binnedNovels,
    queryFn: () => dataOf(api.GET('/v1/bin')),
    refetchOnMount: 'always',
  })
  const items = data?.items ?? []
  if (items.length === 0 && !isOpen) return null
  return (
    <>
      <Group justify="flex-end">
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={open}
        >
          {t('open', { count: items.length })}
        </Button>
      </Group>
      <Suspense>{isOpen && <BinDialog items={items} onClose={close} />}</Suspense>
    </>
  )
}
