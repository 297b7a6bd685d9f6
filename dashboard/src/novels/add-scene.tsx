import { Button, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { newIdempotencyKey } from '../api/idempotency-key.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { useReadAgain } from '../queries/scene-queries.ts'

interface AddSceneProps {
  novelId: string
  chapterId: string
}

/** What a scene is to be. */
interface Wish {
  title: string
  /** What is to happen in it. */
  brief: string
  key: string
}

/** Adds a scene to the end of a chapter and goes to its page, where it is written. */
export function AddScene(props: AddSceneProps) {
  const t = useTranslations('novels.addScene')
  const [isOpen, opened] = useDisclosure()
  return (
    <>
      <Button variant="default" leftSection={<IconPlus size={18} aria-hidden />} onClick={opened.open}>
        {t('open')}
      </Button>
      {isOpen && (
        <Dialog onClose={opened.close} title={t('open')} centered>
          <AddSceneForm {...props} />
        </Dialog>
      )}
    </>
  )
}

function AddSceneForm({ novelId, chapterId }: AddSceneProps) {
  const t = useTranslations('novels.addScene')
  const [wish, setWish] = useState<Wish>({ title: '', brief: '', key: newIdempotencyKey() })
  // The same wish sent twice adds one scene; another wish is another scene.
  const change = (part: Partial<Wish>) => setWish({ ...wish, ...part, key: newIdempotencyKey() })
  const { mutate, error, isPending } = useAdd({ novelId, chapterId })
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        mutate(wish)
      }}
    >
      <Stack>
        <TextInput
          label={t('title')}
          value={wish.title}
          maxLength={300}
          onChange={({ currentTarget }) => change({ title: currentTarget.value })}
          data-autofocus
        />
        <Textarea
          label={t('brief')}
          description={t('briefText')}
          value={wish.brief}
          maxLength={10_000}
          onChange={({ currentTarget }) => change({ brief: currentTarget.value })}
          autosize
          minRows={3}
          maxRows={12}
        />
        {error !== null && <ErrorNotice error={error} />}
        <Text size="sm" c="dimmed">
          {t('then')}
        </Text>
        <Button type="submit" loading={isPending}>
          {t('add')}
        </Button>
      </Stack>
    </form>
  )
}

function useAdd({ novelId, chapterId }: AddSceneProps) {
  const navigate = useNavigate()
  const readAgain = useReadAgain({ id: '', novelId })
  return useMutation({
    mutationFn: ({ title, brief, key }: Wish) => {
      const body = { ...given('title', title), ...given('summary', brief) }
      const header = { 'idempotency-key': key }
      return dataOf(
        api.POST('/v1/chapters/{chapterId}/scenes', { params: { path: { chapterId }, header }, body }),
      )
    },
    async onSuccess({ id }) {
      void readAgain()
      await navigate({ to: '/novels/$novelId/scenes/$sceneId', params: { novelId, sceneId: id } })
    },
  })
}

function given<Name extends string>(name: Name, text: string): { [Key in Name]?: string } {
  const meant = text.trim()
  return (meant === '' ? {} : { [name]: meant }) as { [Key in Name]?: string }
}
