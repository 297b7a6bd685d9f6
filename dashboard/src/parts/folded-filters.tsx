import { Box, Button, Collapse, Stack } from '@mantine/core'
import { useDisclosure, useMediaQuery } from '@mantine/hooks'
import { IconFilter, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'

/** The filters of a list. On a phone, where they would push the list off the screen, they are folded. `onClear`: where any is used. */
export function FoldedFilters({
  onClear,
  children,
}: {
  onClear: (() => void) | undefined
  children: ReactNode
}) {
  const t = useTranslations('parts.filters')
  const isWide = useMediaQuery('(min-width: 48em)', true, { getInitialValueInEffect: false })
  const [isOpen, { toggle }] = useDisclosure(false)
  return (
    <Stack gap="xs" component="section" aria-label={t('title')}>
      {!isWide && (
        <Button
          variant="default"
          w="fit-content"
          leftSection={<IconFilter size={16} aria-hidden />}
          aria-expanded={isOpen}
          onClick={toggle}
        >
          {t('title')}
        </Button>
      )}
      {isWide ? <Box>{children}</Box> : <Collapse expanded={isOpen}>{children}</Collapse>}
      {onClear && (
        <Button
          variant="subtle"
          px="xs"
          w="fit-content"
          leftSection={<IconX size={16} aria-hidden />}
          onClick={onClear}
        >
          {t('clear')}
        </Button>
      )}
    </Stack>
  )
}
