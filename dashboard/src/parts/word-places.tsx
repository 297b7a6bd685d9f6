import { Button, Checkbox, Group, Stack, Text } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useTranslations } from 'use-intl'
import type { components } from '../api/schema.ts'
import { useUnsaved } from './dialog.tsx'
import { Form, FormButtons } from './form.tsx'
import { ErrorNotice, Pending } from './states.tsx'

type Place = components['schemas']['CodexPlace']

/** Places that are read page by page. */
type PlacesQuery = Pick<
  UseInfiniteQueryResult<{ pages: { items: Place[] }[] }>,
  'data' | 'error' | 'refetch' | 'hasNextPage' | 'isFetching' | 'fetchNextPage'
>

/** What the list of chosen places of a task has at most. */
const mostChosen = 10_000

/** Returns which of the places that were read are chosen, with the parameters of the task that name them. */
export function usePlaceChoice({ data, hasNextPage }: PlacesQuery) {
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set())
  const all = data?.pages.flatMap(({ items }) => items)
  // The task is given the places to change where all are shown, else the sure ones to leave: then no doubtful one can be chosen.
  const isWhole = !hasNextPage && (all?.length ?? 0) <= mostChosen
  const isOpen = ({ doubt }: Place) => doubt === undefined || isWhole
  const isChosen = (place: Place) => isOpen(place) && (place.doubt === undefined) !== turned.has(place.id)
  const chosen = all?.filter(isChosen).map(({ id }) => id) ?? []
  const except = all?.filter(place => place.doubt === undefined && !isChosen(place)).map(({ id }) => id) ?? []
  return {
    all,
    isWhole,
    isOpen,
    isChosen,
    chosen: chosen.length,
    which: isWhole ? { only: chosen } : { except },
    turn: (id: string) =>
      setTurned(now => new Set(now.has(id) ? [...now].filter(each => each !== id) : [...now, id])),
  }
}

interface PlacesFormProps {
  places: PlacesQuery
  choice: ReturnType<typeof usePlaceChoice>
  /** What submits the task. */
  submit: { mutate: () => void; isPending: boolean; error: unknown }
  action: string
  /** Nothing would be done. */
  isDisabled?: boolean
  /** What else is asked. */
  children?: ReactNode
  onBack: () => void
}

/** The places that would change, each as it is and as it would be, to choose from before anything does. */
export function PlacesForm(props: PlacesFormProps) {
  const { places, choice, submit, action, isDisabled = false, children, onBack } = props
  const t = useTranslations('parts.places')
  const { all, chosen, isWhole, isOpen, isChosen, turn } = choice
  const question = useUnsaved(all !== undefined && !submit.isPending)
  if (all === undefined) return <Pending error={places.error} onRetry={places.refetch} lines={4} />
  return (
    <Form onSubmit={() => submit.mutate()}>
      <Stack>
        <Text role="status">{t('found', { count: all.length, chosen })}</Text>
        <Stack gap={4} mah="24rem" style={{ overflowY: 'auto' }}>
          {all.map(place => (
            <PlaceRow
              key={place.id}
              place={place}
              isChosen={isChosen(place)}
              isOpen={isOpen(place)}
              onTurn={() => turn(place.id)}
            />
          ))}
        </Stack>
        {!isWhole && (
          <Text size="sm" c="dimmed">
            {t('doubtfulStay', { most: mostChosen })}
          </Text>
        )}
        {places.hasNextPage && (
          <Group>
            <Button variant="default" loading={places.isFetching} onClick={() => void places.fetchNextPage()}>
              {t('more')}
            </Button>
            <Text size="sm" c="dimmed">
              {t('notAll')}
            </Text>
          </Group>
        )}
        {children}
        {submit.error !== null && <ErrorNotice error={submit.error} />}
        <FormButtons action={action} isBusy={submit.isPending} isDisabled={isDisabled} onBack={onBack} />
      </Stack>
      {question}
    </Form>
  )
}

interface PlaceRowProps {
  place: Place
  isChosen: boolean
  /** It can be chosen. */
  isOpen: boolean
  onTurn: () => void
}

/** A place as it is and as it would be. */
function PlaceRow({ place, isChosen, isOpen, onTurn }: PlaceRowProps) {
  const t = useTranslations('parts.places')
  const { what, before, text, to, after, doubt, entry, thread } = place
  return (
    <Checkbox
      data-place={place.id}
      checked={isChosen}
      disabled={!isOpen}
      onChange={onTurn}
      label={
        <>
          {before}
          <del>{text}</del> <ins>{to}</ins>
          {after}
        </>
      }
      description={[
        t(`in.${what}`, { name: entry?.name ?? thread?.title ?? '' }),
        ...(doubt === undefined ? [] : [t(`doubt.${doubt}`)]),
      ].join(' · ')}
    />
  )
}
