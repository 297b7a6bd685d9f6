import { Button, Center, Stack, Text, Title } from '@mantine/core'
import { useTranslations } from 'use-intl'

/** In place of a page whose program failed, or could not be loaded after an update of the server. */
export function Broken() {
  const t = useTranslations('shell')
  return (
    <Center mih="50vh">
      <Stack align="center" maw="30rem" ta="center" role="alert">
        <Title order={1}>{t('brokenTitle')}</Title>
        <Text>{t('brokenText')}</Text>
        <Button onClick={() => window.location.reload()}>{t('reload')}</Button>
      </Stack>
    </Center>
  )
}
