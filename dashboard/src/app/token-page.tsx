import { Button, Center, Checkbox, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { currentToken, takeToken } from '../api/token.ts'
import { Form } from '../parts/form.tsx'

/** Asks for the token of a server that wants one. */
export function TokenPage() {
  const t = useTranslations('token')
  const queries = useQueryClient()
  const [token, setToken] = useState('')
  const [remember, setRemember] = useState(false)
  const wasGiven = currentToken() !== undefined
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="xl" maw="28rem" component="main">
        <Form
          onSubmit={() => {
            if (token.trim() === '') return
            takeToken(token.trim(), remember)
            void queries.resetQueries()
          }}
        >
          <Stack>
            <Title order={1}>{t('title')}</Title>
            <Text>{t('text')}</Text>
            <PasswordInput
              label={t('label')}
              value={token}
              onChange={({ currentTarget }) => setToken(currentTarget.value)}
              error={wasGiven && token === '' ? t('refused') : undefined}
              autoFocus
              autoComplete="current-password"
            />
            <Checkbox
              label={t('remember')}
              checked={remember}
              onChange={({ currentTarget }) => setRemember(currentTarget.checked)}
            />
            <Button type="submit">{t('submit')}</Button>
          </Stack>
        </Form>
      </Paper>
    </Center>
  )
}
