import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useLocale, useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import { Dialog, useUnsaved } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { NameFields } from '../parts/novel-names.tsx'

/** Asks what a novel is called, begins it and goes to it. */
export function BeginDialog({ onClose }: { onClose: () => void }) {
  const t = useTranslations('home.begin')
  return (
    <Dialog title={t('open')} onClose={onClose} centered>
      <BeginForm />
    </Dialog>
  )
}

function BeginForm() {
  const t = useTranslations('home.begin')
  const language = useLocale().split('-')[0] ?? 'en'
  const [names, setNames] = useState({ title: '', author: '', language })
  const begin = useBegin()
  const title = names.title.trim()
  const question = useUnsaved(`${title}${names.author.trim()}` !== '' && !begin.isPending && !begin.isSuccess)
  const given = Object.entries({ ...names, title, author: names.author.trim() }).filter(
    ([, text]) => text !== '',
  )
  return (
    <>
      <DialogForm
        onSubmit={() => begin.mutate({ title, ...Object.fromEntries(given) })}
        error={begin.error}
        action={t('begin')}
        isBusy={begin.isPending}
        isDisabled={title === ''}
      >
        <NameFields names={names} onChange={part => setNames({ ...names, ...part })} />
      </DialogForm>
      {question}
    </>
  )
}

function useBegin() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const key = useRequestKey()
  return useMutation({
    mutationFn: (body: { title: string; author?: string; language?: string }) =>
      dataOf(api.POST('/v1/novels', { params: { header: { 'idempotency-key': key.of(body) } }, body })),
    async onSuccess({ id }) {
      void queries.invalidateQueries({ queryKey: keys.novels })
      await navigate({ to: '/novels/$novelId', params: { novelId: id } })
    },
  })
}
