import { Alert, Badge, Button, Code, Group, Paper, Select, Stack, Text, Textarea, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Form } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { ifMatch, useOutline } from '../queries/novel-queries.ts'
import { PromptTrial, tried } from './prompt-trial.tsx'

const route = getRouteApi('/novels/$novelId/prompts')

type Prompts = components['schemas']['NovelPrompts']
type Prompt = Prompts['items'][number]

/** The prompts that texts of a novel are written by: read, replaced for this novel alone, tried before they are kept. */
export function PromptsPage() {
  const t = useTranslations('prompts')
  const { novelId } = route.useParams()
  const { data: novel } = useOutline(novelId)
  const { data, error, refetch } = useQuery({
    queryKey: keys.prompts(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/prompts', { params: { path: { novelId } } })),
  })
  const [chosen, setChosen] = useState<string>()
  const language = /^zh\b/i.test(novel?.language ?? '') ? 'zh' : 'en'
  const prompt = data?.items.find(({ id }) => id === (chosen ?? `generate-scene.${language}`))
  return (
    <Stack gap="lg" maw="60rem">
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel} />
      <Text>{t('text')}</Text>
      {data === undefined || novel === undefined || prompt === undefined ? (
        <Pending error={error} onRetry={refetch} lines={6} />
      ) : (
        <>
          <Select
            label={t('which')}
            data={data.items.map(item => ({ value: item.id, label: labelOf(item, t) }))}
            value={prompt.id}
            onChange={id => id !== null && setChosen(id)}
            allowDeselect={false}
            searchable
          />
          <PromptForm key={`${prompt.id} ${data.version}`} {...{ novelId, prompt }} version={data.version} />
        </>
      )}
    </Stack>
  )
}

function labelOf({ name, language, from }: Prompt, t: ReturnType<typeof useTranslations<'prompts'>>): string {
  const own = from === 'novel' ? ` · ${t('from.novel')}` : ''
  return `${t(`name.${name}`)} · ${t(`language.${language}`)}${own}`
}

interface FormProps {
  novelId: string
  prompt: Prompt
  version: number
}

/** Writes and removes over the version that the person saw. */
function useChange({ novelId, prompt, version }: FormProps) {
  const t = useTranslations('prompts')
  const queries = useQueryClient()
  const params = { path: { novelId, promptId: prompt.id }, header: ifMatch({ version }) }
  const path = '/v1/novels/{novelId}/prompts/{promptId}'
  return useMutation({
    mutationFn: (text: string | undefined) =>
      dataOf<Prompts>(
        text === undefined ? api.DELETE(path, { params }) : api.PUT(path, { params, body: { text } }),
      ),
    onSuccess(saved, text) {
      queries.setQueryData(keys.prompts(novelId), saved)
      notifyDone(t(text === undefined ? 'removed' : 'saved'))
    },
  })
}

function PromptForm(props: FormProps) {
  const { novelId, prompt } = props
  const t = useTranslations('prompts')
  const [text, setText] = useState(prompt.text)
  const { mutate, isPending, error } = useChange(props)
  const isChanged = text !== prompt.text
  return (
    <>
      <Paper withBorder p="md" data-prompt={prompt.id}>
        <Form onSubmit={() => mutate(text)}>
          <Stack>
            <Group justify="space-between" gap="xs">
              <Text size="sm">{prompt.description}</Text>
              <Badge variant="light" tt="none" color={prompt.from === 'novel' ? 'blue' : 'gray'}>
                {t(`from.${prompt.from}`)}
              </Badge>
            </Group>
            {prompt.problem !== undefined && <Alert color="red">{prompt.problem}</Alert>}
            <Textarea
              label={t('promptText')}
              description={t('promptHint')}
              autosize
              minRows={8}
              maxRows={28}
              maxLength={20_000}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              value={text}
              onChange={({ currentTarget }) => setText(currentTarget.value)}
            />
            <Slots prompt={prompt} />
            {error !== null && <ErrorNotice error={error} />}
            <Group justify="flex-end">
              {prompt.from === 'novel' && (
                <Button variant="default" onClick={() => mutate(undefined)} disabled={isPending}>
                  {t('remove')}
                </Button>
              )}
              <Button type="submit" loading={isPending} disabled={!isChanged}>
                {t('save')}
              </Button>
            </Group>
          </Stack>
        </Form>
      </Paper>
      {tried(prompt.name) && <PromptTrial novelId={novelId} name={prompt.name} text={text} />}
    </>
  )
}

/** The slots that a prompt may have, those that it must have marked. */
function Slots({ prompt: { slots } }: { prompt: Prompt }) {
  const t = useTranslations('prompts')
  return (
    <Stack gap={4}>
      <Title order={3} size="h5">
        {t('slots')}
      </Title>
      <Group gap={6}>
        {slots.map(({ name, required }) => (
          <Code key={name} fw={required ? 700 : undefined}>
            {`{{${name}}}${required ? ' *' : ''}`}
          </Code>
        ))}
      </Group>
      <Text size="xs" c="dimmed">
        {t('slotsHint')}
      </Text>
    </Stack>
  )
}
