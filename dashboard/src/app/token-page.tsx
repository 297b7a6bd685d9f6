import {
  Alert,
  Button,
  Center,
  Checkbox,
  Divider,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import {
  beginSignIn,
  canSignIn,
  finishSignIn,
  isOfProvider,
  type Provider,
  type SignInFailure,
} from '../api/sign-in.ts'
import { currentToken, takeToken, useRefusal } from '../api/token.ts'
import { Form } from '../parts/form.tsx'

/** Asks for the token of a server, or an API key, where it wants one, and offers the sign-in of its identity provider. */
export function TokenPage() {
  const t = useTranslations('token')
  const queries = useQueryClient()
  const [token, setToken] = useState('')
  const [remember, setRemember] = useState(false)
  const sent = currentToken()
  const refusal = useRefusal()
  const signIn = useQuery({
    queryKey: keys.signIn,
    queryFn: ({ signal }) => dataOf(api.GET('/v1/sign-in', { signal })),
  })
  const provider = signIn.data?.provider
  const isOfAccount = isOfProvider(sent)
  const why = isOfAccount && refusal !== 'throttled' ? accountRefusal(refusal) : (refusal ?? 'refused')
  const keepsIt = (
    <Checkbox
      label={t('remember')}
      checked={remember}
      onChange={({ currentTarget }) => setRemember(currentTarget.checked)}
    />
  )
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="xl" maw="28rem" component="main">
        <Stack>
          <Title order={1}>{t(provider === undefined ? 'title' : 'titleSignIn')}</Title>
          {isOfAccount && (
            <Alert color="yellow" role="status">
              {t(why)}
            </Alert>
          )}
          {signIn.isError && <Alert color="yellow">{t('noProvider')}</Alert>}
          {provider !== undefined && (
            <>
              <ByProvider provider={provider} remember={remember} />
              {keepsIt}
              <Divider label={t('or')} />
            </>
          )}
          <Form
            onSubmit={() => {
              if (token.trim() === '') return
              takeToken(token.trim(), remember)
              void queries.resetQueries()
            }}
          >
            <Stack>
              <Text>{t('text')}</Text>
              <PasswordInput
                label={t('label')}
                value={token}
                onChange={({ currentTarget }) => setToken(currentTarget.value)}
                error={sent !== undefined && !isOfAccount && token === '' ? t(why) : undefined}
                autoFocus
                autoComplete="current-password"
              />
              {provider === undefined && keepsIt}
              <Button type="submit" variant={provider === undefined ? 'filled' : 'default'}>
                {t('submit')}
              </Button>
            </Stack>
          </Form>
        </Stack>
      </Paper>
    </Center>
  )
}

/** Returns what is said of a sign-in by the identity provider that the server refused. */
function accountRefusal(refusal: ReturnType<typeof useRefusal>) {
  return refusal === 'expired' ? ('signInExpired' as const) : ('signInRefused' as const)
}

/** The way to the identity provider, and what went wrong on the way back. */
function ByProvider({ provider, remember }: { provider: Provider; remember: boolean }) {
  const t = useTranslations('token')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<SignInFailure>()
  const { host } = new URL(provider.issuer)
  useEffect(() => {
    const finishing = finishSignIn()
    if (finishing === undefined) return
    setIsBusy(true)
    void finishing.then(found => {
      setIsBusy(false)
      setFailure(found)
    })
  }, [])
  return (
    <>
      {failure !== undefined && (
        <Alert color="red" role="alert">
          {t(failure, { host })}
        </Alert>
      )}
      <Button loading={isBusy} disabled={!canSignIn()} onClick={() => void beginSignIn(provider, remember)}>
        {t('signIn', { host })}
      </Button>
      {!canSignIn() && <Text size="sm">{t('needsHttps')}</Text>}
    </>
  )
}
