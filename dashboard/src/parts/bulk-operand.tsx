import { Select, Stack, TagsInput, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { Confirm } from './dialog.tsx'
import { ErrorNotice } from './states.tsx'

type BulkSelection = components['schemas']['BulkSelection']

/** What an action is done with, beside the tasks: tags, or a lane. */
export type Operand = Pick<BulkSelection, 'tags' | 'lane'>

/** Tags of a task, and those that are added or removed at once, at most. */
export const mostTags = 20

/** Returns whether it must be asked yet with what an action is to be done. */
export function lacksOperand({ action, tags, lane }: BulkSelection): boolean {
  if (action === 'move') return lane === undefined
  return (action === 'addTags' || action === 'removeTags') && tags === undefined
}

/** Asks which tags are added or removed, or which lane tasks are moved to. */
export function OperandDialog(props: {
  action: BulkSelection['action']
  onChosen: (operand: Operand) => void
  onClose: () => void
}) {
  const { action, onChosen, onClose } = props
  const t = useTranslations('bulk.operand')
  const said = useTranslations(`bulk.acts.${action}`)
  const [tags, setTags] = useState<string[]>([])
  const [lane, setLane] = useState<string | null>(null)
  const isMove = action === 'move'
  const [isMissing, setIsMissing] = useState(false)
  const error = isMissing && (isMove ? lane === null : tags.length === 0) ? t('missing') : undefined
  const choose = () => {
    if (isMove && lane !== null) return onChosen({ lane })
    if (!isMove && tags.length > 0) return onChosen({ tags })
    setIsMissing(true)
  }
  return (
    <Confirm title={said('title')} action={t('next')} onConfirm={choose} onClose={onClose}>
      <Stack gap="sm">
        {isMove ? (
          <LaneField lane={lane} error={error} onChange={setLane} />
        ) : (
          <TagsInput
            label={t('tags')}
            description={t(action === 'addTags' ? 'addText' : 'removeText')}
            maxTags={mostTags}
            value={tags}
            onChange={setTags}
            error={error}
          />
        )}
      </Stack>
    </Confirm>
  )
}

/** Asks for the lane that tasks are moved to. */
export function LaneField(props: {
  lane: string | null
  error: string | undefined
  onChange: (lane: string | null) => void
}) {
  const { lane, error, onChange } = props
  const t = useTranslations('bulk.operand')
  const lanes = useQuery({ queryKey: keys.lanes, queryFn: () => dataOf(api.GET('/v1/lanes')) })
  if (lanes.error !== null) return <ErrorNotice error={lanes.error} onRetry={() => void lanes.refetch()} />
  return (
    <>
      <Select
        label={t('lane')}
        data={lanes.data?.items.map(each => each.lane) ?? []}
        value={lane}
        onChange={onChange}
        error={error}
      />
      <Text size="sm" c="dimmed">
        {t('laneText')}
      </Text>
    </>
  )
}
