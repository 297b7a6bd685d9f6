import { Badge, Button, Code, Group, Paper, Select, Stack, Text, Textarea, Title } from '@mantine/core'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMay } from '../api/me.ts'
import type { components } from '../api/schema.ts'
import { Conflict } from '../parts/conflict.tsx'
import { AskToLeave, useUnsaved } from '../parts/dialog.tsx'
import { Form } from '../parts/form.tsx'
import { notifyDone } from '../parts/notify.tsx'
import { Page } from '../parts/page.tsx'
import { NovelPageTitle } from '../parts/page-title.tsx'
import { PromptProblem } from '../parts/prompt-blocks.tsx'
import { ErrorNotice, Pending } from '../parts/states.tsx'
import { ifMatch, useOutline } from '../queries/novel-queries.ts'
import { useVersionedEdit } from '../queries/versioned-edit.ts'
import { PromptTrial, tried } from './prompt-trial.tsx'

const route = getRouteApi('/novels/$novelId/prompts')

type Prompts = components['schemas']['NovelPrompts']
type Prompt = Prompts['items'][number]

function promptsQuery(novelId: string) {
  return queryOptions({
    queryKey: keys.prompts(novelId),
    queryFn: () => dataOf(api.GET('/v1/novels/{novelId}/prompts', { params: { path: { novelId } } })),
  })
}

/** The prompts that texts of a novel are written by: read, replaced for this novel alone, tried before they are kept. */
export function PromptsPage() {
  const { novelId } = route.useParams()
  return <PromptsOf key={novelId} novelId={novelId} />
}

function PromptsOf({ novelId }: { novelId: string }) {
  const t = useTranslations('prompts')
  const { data: novel } = useOutline(novelId)
  const { data, error, refetch } = useQuery(promptsQuery(novelId))
  const [chosen, setChosen] = useState<string>()
  const [isUnsaved, setIsUnsaved] = useState(false)
  const { question, ask } = useLeave(isUnsaved)
  const language = /^zh\b/i.test(novel?.language ?? '') ? 'zh' : 'en'
  const prompt = data?.items.find(({ id }) => id === (chosen ?? `generate-scene.${language}`))
  return (
    <Page>
      <NovelPageTitle title={t('title')} novelId={novelId} novel={novel} />
      <Text>{t('text')}</Text>
      {question}
      {data === undefined || novel === undefined || prompt === undefined ? (
        <Pending error={error} onRetry={refetch} lines={6} />
      ) : (
        <>
          <Select
            label={t('which')}
            data={data.items.map(item => ({ value: item.id, label: labelOf(item, t) }))}
            value={prompt.id}
            onChange={id => id !== null && ask(() => setChosen(id))}
            allowDeselect={false}
            searchable
          />
          <PromptForm
            key={prompt.id}
            {...{ novelId, prompt }}
            version={data.version}
            onUnsaved={setIsUnsaved}
          />
        </>
      )}
    </Page>
  )
}

/** Asks before another page or another prompt takes the place of a text that is not saved. */
function useLeave(isUnsaved: boolean) {
  const ofPage = useUnsaved(isUnsaved)
  const [leave, setLeave] = useState<() => void>()
  const ofPrompt = leave && (
    <AskToLeave
      onConfirm={() => {
        leave()
        setLeave(undefined)
      }}
      onClose={() => setLeave(undefined)}
    />
  )
  return {
    question: ofPage ?? ofPrompt,
    ask: (go: () => void) => (isUnsaved ? setLeave(() => go) : go()),
  }
}

function labelOf({ name, language, from }: Prompt, t: ReturnType<typeof useTranslations<'prompts'>>): string {
  const own = from === 'novel' ? ` · ${t('from.novel')}` : ''
  return `${t(`name.${name}`)} · ${t(`language.${language}`)}${own}`
}

interface PromptFormProps {
  novelId: string
  prompt: Prompt
  version: number
  /** Called with whether there is something to save. */
  onUnsaved: (isUnsaved: boolean) => void
}

function usePromptEdit({ novelId, prompt, version }: PromptFormProps) {
  const t = useTranslations('prompts')
  const queries = useQueryClient()
  const query = promptsQuery(novelId)
  const versioned = (prompts: Prompts) => {
    const value = prompts.items.find(({ id }) => id === prompt.id)?.text ?? ''
    return { value, version: prompts.version }
  }
  const path = '/v1/novels/{novelId}/prompts/{promptId}'
  const change = async (text: string | undefined, seen: number) => {
    const params = { path: { novelId, promptId: prompt.id }, header: ifMatch({ version: seen }) }
    const saved = await dataOf<Prompts>(
      text === undefined ? api.DELETE(path, { params }) : api.PUT(path, { params, body: { text } }),
    )
    queries.setQueryData(query.queryKey, saved)
    notifyDone(t(text === undefined ? 'removed' : 'saved'))
    return versioned(saved)
  }
  const edit = useVersionedEdit(
    { value: prompt.text, version },
    {
      write: change,
      read: async () => versioned(await queries.fetchQuery({ ...query, staleTime: 0 })),
    },
  )
  return { ...edit, remove: () => edit.save((_, seen) => change(undefined, seen)) }
}

function PromptForm(props: PromptFormProps) {
  const { novelId, prompt, onUnsaved } = props
  const t = useTranslations('prompts')
  const edit = usePromptEdit(props)
  const { typed: text, isChanged, theirs, isPending, error } = edit
  const canWrite = useMay('write')
  useEffect(() => onUnsaved(isChanged), [isChanged, onUnsaved])
  return (
    <>
      <Paper withBorder p="md" data-prompt={prompt.id}>
        {theirs !== undefined ? (
          <Conflict mine={text} theirs={theirs} language={prompt.language} edit={edit} />
        ) : (
          <Form onSubmit={() => edit.save()}>
            <Stack>
              <Group justify="space-between" gap="xs">
                <Text size="sm" lang="en">
                  {prompt.description}
                </Text>
                <Badge variant="light" tt="none" color={prompt.from === 'novel' ? 'blue' : 'gray'}>
                  {t(`from.${prompt.from}`)}
                </Badge>
              </Group>
              {prompt.problem !== undefined && <PromptProblem problem={{ message: prompt.problem }} />}
              <Textarea
                label={t('promptText')}
                description={t('promptHint')}
                autosize
                minRows={8}
                maxRows={28}
                maxLength={20_000}
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                readOnly={!canWrite}
                value={text}
                onChange={({ currentTarget }) => edit.type(currentTarget.value)}
              />
              <Slots prompt={prompt} />
              {error !== null && <ErrorNotice error={error} />}
              {canWrite && (
                <Group justify="flex-end">
                  {prompt.from === 'novel' && (
                    <Button variant="default" onClick={edit.remove} disabled={isPending}>
                      {t('remove')}
                    </Button>
                  )}
                  <Button type="submit" loading={isPending} disabled={!isChanged}>
                    {t('save')}
                  </Button>
                </Group>
              )}
            </Stack>
          </Form>
        )}
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
