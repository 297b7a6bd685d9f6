import { Checkbox, Stack, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Form, FormButtons } from '../parts/form.tsx'
import { PlacesForm, usePlaceChoice } from '../parts/word-places.tsx'
import { useSubmitAndOpen } from '../queries/task-queries.ts'
import type { NovelOutline } from './novel.ts'

/** What is looked for, and what takes its place. */
interface Words {
  find: string
  replace: string
  matchCase: boolean
  wholeWords: boolean
  in: ('text' | 'summary')[]
}

const options = ['matchCase', 'wholeWords'] as const

/** Finds words in the whole novel and replaces them, and shows every place before anything changes. */
export function ReplaceWords({ novel, onClose }: { novel: NovelOutline; onClose: () => void }) {
  const t = useTranslations('novels.replace')
  const [words, setWords] = useState<Words>({
    ...{ find: '', replace: '', matchCase: false, wholeWords: false },
    in: ['text'],
  })
  const [shown, setShown] = useState<Words>()
  const change = (part: Partial<Words>) => {
    setWords({ ...words, ...part })
    setShown(undefined)
  }
  return (
    <Dialog
      title={t('open')}
      size="xl"
      isUnsaved={words.find !== '' && shown === undefined}
      onClose={onClose}
    >
      <Stack>
        <Form onSubmit={() => words.find.trim() !== '' && setShown(words)}>
          <Stack gap="sm">
            <TextInput
              label={t('find')}
              value={words.find}
              maxLength={200}
              onChange={({ currentTarget }) => change({ find: currentTarget.value })}
              data-autofocus
            />
            <TextInput
              label={t('replace')}
              description={t('replaceText')}
              value={words.replace}
              maxLength={200}
              onChange={({ currentTarget }) => change({ replace: currentTarget.value })}
            />
            {options.map(option => (
              <Checkbox
                key={option}
                label={t(option)}
                {...(option === 'matchCase' && { description: t('matchCaseText') })}
                checked={words[option]}
                onChange={({ currentTarget }) => change({ [option]: currentTarget.checked })}
              />
            ))}
            <Checkbox
              label={t('summaries')}
              checked={words.in.includes('summary')}
              onChange={({ currentTarget }) =>
                change({ in: currentTarget.checked ? ['text', 'summary'] : ['text'] })
              }
            />
            {shown === undefined && (
              <FormButtons action={t('show')} isBusy={false} isDisabled={words.find.trim() === ''} />
            )}
          </Stack>
        </Form>
        {shown !== undefined && (
          <Places novelId={novel.id} words={shown} onBack={() => setShown(undefined)} />
        )}
      </Stack>
    </Dialog>
  )
}

function Places({ novelId, words, onBack }: { novelId: string; words: Words; onBack: () => void }) {
  const t = useTranslations('novels.replace')
  const places = useWordPlaces(novelId, words)
  const choice = usePlaceChoice(places)
  const replace = useSubmitAndOpen({
    taskType: 'ReplaceInNovel',
    parameters: { novelId, ...words, ...choice.which },
    lane: 'default',
  })
  return (
    <PlacesForm
      places={places}
      choice={choice}
      submit={replace}
      action={t('action')}
      isDisabled={choice.isWhole && choice.chosen === 0}
      onBack={onBack}
    />
  )
}

/** Reads the places page by page. */
function useWordPlaces(novelId: string, words: Words) {
  return useInfiniteQuery({
    queryKey: [...keys.novel(novelId), 'places', words],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      dataOf(
        api.POST('/v1/novels/{novelId}:places', {
          params: { path: { novelId } },
          body: { ...words, pageSize: 200, ...(pageParam === undefined ? {} : { pageToken: pageParam }) },
        }),
      ),
    getNextPageParam: page => page.nextPageToken,
    // What is chosen names these very places.
    staleTime: 'static',
    gcTime: 0,
  })
}
