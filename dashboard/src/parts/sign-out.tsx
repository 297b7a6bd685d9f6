import { Button, type ButtonProps, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { signOut } from '../api/token.ts'
import { sceneOfDraft, typedNames } from '../browser/state.ts'
import { Confirm } from './dialog.tsx'

/** Forgets the token, and with it what was typed and not saved, once the person has said so. */
export function SignOut(props: ButtonProps) {
  const t = useTranslations('roles')
  const [isAsked, setIsAsked] = useState(false)
  return (
    <>
      <Button {...props} onClick={() => setIsAsked(true)}>
        {t('signOut')}
      </Button>
      {isAsked && (
        <Confirm
          title={t('signOutTitle')}
          action={t('signOut')}
          isDangerous
          onConfirm={signOut}
          onClose={() => setIsAsked(false)}
        >
          <Text>{t('signOutText', { count: new Set(typedNames().map(sceneOfDraft)).size })}</Text>
        </Confirm>
      )}
    </>
  )
}
