import { Group, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { useTranslations } from 'use-intl'
import { TextLink } from './links.tsx'

/** The heading of a page, which is also the title of the tab. `children`: what can be done here. */
export function PageTitle({
  title,
  below,
  children,
}: {
  title: string
  below?: ReactNode
  children?: ReactNode
}) {
  useDocumentTitle(`${title} · Quillwork`)
  return (
    <Group justify="space-between" align="flex-start" wrap="wrap" gap="md">
      <Stack gap={2} miw={0} flex="1 1 16rem">
        <Title order={1}>{title}</Title>
        {below !== undefined && (
          <Text component="div" c="dimmed" size="sm">
            {below}
          </Text>
        )}
      </Stack>
      {children !== undefined && <Group gap="xs">{children}</Group>}
    </Group>
  )
}

/** The heading of a page that belongs to a novel, with the way to it. `novel`: undefined while it is read. */
export function NovelPageTitle({
  novelId,
  novel,
  ...rest
}: {
  title: string
  novelId: string
  novel: { title: string } | undefined
  children?: ReactNode
}) {
  const t = useTranslations('parts')
  const below = (
    <TextLink to="/novels/$novelId" params={{ novelId }}>
      {novel?.title ?? t('novel')}
    </TextLink>
  )
  return <PageTitle {...rest} below={below} />
}
