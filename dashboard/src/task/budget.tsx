import { Button, Group, Paper, Progress, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import { useMayAct } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { Dialog } from '../parts/dialog.tsx'
import { DialogForm } from '../parts/form.tsx'
import { TextLink } from '../parts/links.tsx'
import { notifyDone, useNotifyError } from '../parts/notify.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { Pending } from '../parts/states.tsx'
import { type BudgetUse, useBudget, useSetBudget } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'

/** What a tree may spend, and has spent; the limit can be changed at the topmost task. */
export function BudgetPart({ task }: { task: Task }) {
  const t = useTranslations('task.budget')
  const { data, error, refetch } = useBudget(task.id)
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2} size="h3">
          {t('title')}
        </Title>
        {data === undefined && <Pending error={error} onRetry={refetch} lines={2} />}
        {data !== undefined && <BudgetFigures use={data} />}
        {data !== undefined && <BudgetActions task={task} use={data} />}
      </Stack>
    </Paper>
  )
}

function BudgetFigures({ use: { budget, spent, reserved } }: { use: BudgetUse }) {
  const t = useTranslations('task.budget')
  const writing = useWriting()
  const currency = useCurrency()
  const money = (amount: number) => writing.money(amount, currency)
  return (
    <>
      {budget === undefined && <Text size="sm">{t('none')}</Text>}
      <Figure
        name={t('tokens')}
        spent={spent.tokens}
        reserved={reserved.tokens}
        limit={budget?.tokens}
        write={writing.number}
      />
      <Figure
        name={t('cost')}
        spent={spent.cost}
        reserved={reserved.cost}
        limit={budget?.cost}
        write={money}
      />
    </>
  )
}

interface FigureProps {
  name: string
  spent: number
  reserved: number
  limit: number | undefined
  write: (amount: number) => string
}

function Figure({ name, spent, reserved, limit, write }: FigureProps) {
  const t = useTranslations('task.budget')
  const share = (amount: number) => (limit ? Math.min(100, (amount / limit) * 100) : 0)
  const held = Math.min(share(reserved), 100 - share(spent))
  const text = [
    `${t('spent')}: ${write(spent)}`,
    ...(reserved > 0 ? [`${t('reserved')}: ${write(reserved)}`] : []),
    `${t('limit')}: ${limit === undefined ? t('noLimit') : write(limit)}`,
  ].join(' · ')
  return (
    <Stack gap={4}>
      <Text size="sm" className="numbers">
        <Text span inherit fw={600}>
          {name}
        </Text>{' '}
        {text}
      </Text>
      {limit !== undefined && (
        <Progress.Root role="img" aria-label={`${name}. ${text}`}>
          <Progress.Section value={share(spent)} withAria={false} />
          <Progress.Section value={held} color="gray" striped withAria={false} />
        </Progress.Root>
      )}
    </Stack>
  )
}

function BudgetActions({ task, use }: { task: Task; use: BudgetUse }) {
  const t = useTranslations('task.budget')
  const [isOpen, setIsOpen] = useState(false)
  const remove = useRemoveBudget(use.rootTaskId)
  const mayAct = useMayAct()
  if (use.rootTaskId !== task.id)
    return (
      <Text size="sm">
        {t('ofRoot')}{' '}
        <TextLink to="/tasks/$taskId" params={{ taskId: use.rootTaskId }} search={{ part: 'usage' }}>
          {t('toRoot')}
        </TextLink>
      </Text>
    )
  if (!mayAct(task)) return null
  return (
    <Group gap="xs">
      <Button size="xs" variant="light" onClick={() => setIsOpen(true)}>
        {use.budget === undefined ? t('set') : t('change')}
      </Button>
      {use.budget !== undefined && (
        <Button
          size="xs"
          variant="subtle"
          color="gray"
          loading={remove.isPending}
          onClick={() => remove.mutate()}
        >
          {t('remove')}
        </Button>
      )}
      {isOpen && <BudgetDialog rootTaskId={use.rootTaskId} onClose={() => setIsOpen(false)} />}
    </Group>
  )
}

function useRemoveBudget(rootTaskId: string) {
  const t = useTranslations('task.budget')
  const queries = useQueryClient()
  const onError = useNotifyError()
  return useMutation({
    mutationFn: () =>
      dataOf(api.DELETE('/v1/tasks/{taskId}/budget', { params: { path: { taskId: rootTaskId } } })),
    onSuccess(answer) {
      queries.setQueryData(keys.budget(rootTaskId), answer)
      void queries.invalidateQueries({ queryKey: ['tasks', 'one'] })
      notifyDone(t('removed'))
    },
    onError,
  })
}

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
      {data === undefined && <Pending error={error} onRetry={refetch} lines={3} />}
      {data !== undefined && <BudgetForm use={data} onClose={onClose} />}
    </Dialog>
  )
}

function BudgetForm({ use, onClose }: { use: BudgetUse; onClose: () => void }) {
  const t = useTranslations('task.budget')
  const currency = useCurrency()
  const set = useSetBudget(use.rootTaskId)
  const [tokens, setTokens] = useState<number | ''>(use.budget?.tokens ?? '')
  const [cost, setCost] = useState<number | ''>(use.budget?.cost ?? '')
  // An empty field limits nothing.
  const budget = { ...(tokens === '' ? {} : { tokens }), ...(cost === '' ? {} : { cost }) }
  const isEmpty = Object.keys(budget).length === 0
  const save = () =>
    set.mutate(budget, {
      onSuccess() {
        notifyDone(t('saved'))
        onClose()
      },
    })
  return (
    <DialogForm
      onSubmit={save}
      error={set.error}
      action={t('save')}
      isBusy={set.isPending}
      isDisabled={isEmpty}
    >
      <Text size="sm">{t('dialogText')}</Text>
      <NumberField
        label={t('tokensLabel')}
        description={t('emptyMeans')}
        value={tokens}
        onChange={setTokens}
        min={0}
        allowDecimal={false}
        thousandSeparator=" "
        data-autofocus
      />
      <NumberField
        label={currency === undefined ? t('costLabel') : t('costCurrency', { currency })}
        description={t('emptyMeans')}
        value={cost}
        onChange={setCost}
        min={0}
        decimalScale={6}
      />
      {isEmpty && <Text size="sm">{t('atLeastOne')}</Text>}
    </DialogForm>
  )
}
