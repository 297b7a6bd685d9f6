import { Button, Group, NumberInput, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ErrorNotice } from '../parts/error-notice.tsx'
import { notifyDone } from '../parts/notify.ts'
import { Loading } from '../parts/states.tsx'
import { type BudgetUse, useBudget } from '../queries/task-queries.ts'

interface BudgetDialogProps {
  rootTaskId: string
  onClose: () => void
}

/** Asks what a tree may spend from now on. */
export function BudgetDialog({ rootTaskId, onClose }: BudgetDialogProps) {
  const t = useTranslations('task.budget')
  const { data, error, refetch } = useBudget(rootTaskId)
  return (
    <Dialog onClose={onClose} title={t('dialogTitle')}>
      {data === undefined && error !== null && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading lines={3} />}
      {data !== undefined && <BudgetForm use={data} onClose={onClose} />}
    </Dialog>
  )
}

function useSetBudget(rootTaskId: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: { tokens?: number; cost?: number }) =>
      dataOf(api.PUT('/v1/tasks/{taskId}/budget', { params: { path: { taskId: rootTaskId } }, body })),
    onSuccess(answer) {
      queries.setQueryData(keys.budget(rootTaskId), answer)
      void queries.invalidateQueries({ queryKey: ['tasks', 'budget'] })
      void queries.invalidateQueries({ queryKey: ['tasks', 'one'] })
    },
  })
}

type Given = number | string

/** An empty field limits nothing. */
function budgetOf(tokens: Given, cost: Given): { tokens?: number; cost?: number } {
  return {
    ...(typeof tokens === 'number' ? { tokens } : {}),
    ...(typeof cost === 'number' ? { cost } : {}),
  }
}

function BudgetForm({ use, onClose }: { use: BudgetUse; onClose: () => void }) {
  const t = useTranslations('task.budget')
  const actions = useTranslations('actions')
  const currency = useCurrency()
  const set = useSetBudget(use.rootTaskId)
  const [tokens, setTokens] = useState<Given>(use.budget?.tokens ?? '')
  const [cost, setCost] = useState<Given>(use.budget?.cost ?? '')
  const budget = budgetOf(tokens, cost)
  const isEmpty = Object.keys(budget).length === 0
  const save = () =>
    set.mutate(budget, {
      onSuccess() {
        notifyDone(t('saved'))
        onClose()
      },
    })
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (!isEmpty) save()
      }}
    >
      <Stack>
        <Text size="sm">{t('dialogText')}</Text>
        <NumberInput
          label={t('tokensLabel')}
          description={t('emptyMeans')}
          value={tokens}
          onChange={setTokens}
          min={0}
          allowDecimal={false}
          thousandSeparator=" "
          data-autofocus
        />
        <NumberInput
          label={currency === undefined ? t('costLabel') : t('costCurrency', { currency })}
          description={t('emptyMeans')}
          value={cost}
          onChange={setCost}
          min={0}
          decimalScale={6}
        />
        {isEmpty && <Text size="sm">{t('atLeastOne')}</Text>}
        {set.error !== null && <ErrorNotice error={set.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {actions('back')}
          </Button>
          <Button type="submit" loading={set.isPending} disabled={isEmpty}>
            {t('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
