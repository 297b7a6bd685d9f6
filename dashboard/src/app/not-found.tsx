import { Center, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'
import { ButtonLink } from '../parts/links.tsx'

/** In place of a page that there is not. */
export function NotFound() {
  const t = useTranslations('shell')
  return (
    <Center mih="50vh">
      <Stack align="center" maw="30rem" ta="center">
        <Title order={1}>{t('notFoundTitle')}</Title>
        <Text>{t('notFoundText')}</Text>
        <ButtonLink to="/">{t('toShelf')}</ButtonLink>
      </Stack>
    </Center>
  )
}
