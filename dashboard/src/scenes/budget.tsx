import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { IconCoin } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslations } from 'use-intl'
import { useCurrency } from '../api/capabilities.ts'
import { useMayAct } from '../api/me.ts'
import type { Task } from '../api/task.ts'
import { Form } from '../parts/form.tsx'
import { NumberField } from '../parts/number-field.tsx'
import { ErrorNotice } from '../parts/states.tsx'
import { type BudgetUse, useBudget, useSetBudget, useTaskUsage } from '../queries/task-queries.ts'
import { useWriting } from '../text/format.ts'

/** What a task has cost so far, and how much of its budget that is. */
export function Spent({ taskId }: { taskId: string }) {
  const t = useTranslations('scenes.spent')
  const writing = useWriting()
  const { items = [], since } = useTaskUsage(taskId, 'false').data ?? {}
  const { data: budget } = useBudget(taskId)
  const currency = useCurrency()
  const tokens = items.reduce((sum, each) => sum + each.inputTokens + each.outputTokens, 0)
  const calls = items.reduce((sum, each) => sum + each.calls, 0)
  const priced = items.filter(({ cost }) => cost !== undefined)
  const cost = priced.reduce((sum, each) => sum + (each.cost ?? 0), 0)
  return (
    <Stack gap={4}>
      <Text size="sm" className="numbers" data-spent={calls}>
        {calls === 0
          ? t(since === undefined ? 'nothing' : 'notKept')
          : priced.length === 0
            ? t('tokens', { calls, tokens })
            : t('cost', { calls, tokens, cost: writing.money(cost, currency) })}
      </Text>
      {budget?.budget !== undefined && <BudgetBars use={budget} currency={currency} />}
    </Stack>
  )
}

function BudgetBars({ use, currency }: { use: BudgetUse; currency: string | undefined }) {
  const t = useTranslations('scenes.spent')
  const writing = useWriting()
  const { budget = {}, spent, reserved } = use
  const { tokens, cost } = budget
  return (
    <>
      {cost !== undefined && (
        <BudgetBar
          label={t('ofBudget', { budget: writing.money(cost, currency) })}
          share={shareOf(spent.cost + reserved.cost, cost)}
        />
      )}
      {tokens !== undefined && (
        <BudgetBar
          label={t('ofTokens', { budget: tokens })}
          share={shareOf(spent.tokens + reserved.tokens, tokens)}
        />
      )}
    </>
  )
}

function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 1 : part / whole
}

function BudgetBar({ label, share }: { label: string; share: number }) {
  const writing = useWriting()
  return (
    <Group gap="xs" wrap="nowrap">
      <Progress
        value={Math.min(share, 1) * 100}
        color={share >= 1 ? 'yellow' : 'ink'}
        size="sm"
        flex={1}
        miw={0}
        aria-label={label}
      />
      <Text size="xs" c="dimmed" className="numbers">
        {writing.percent(share)} {label}
      </Text>
    </Group>
  )
}

type Amount = { tokens?: number; cost?: number }

/** A task has used up its budget: what it needs to go on, and the fields to raise it. */
export function RaiseBudget({ task }: { task: Task }) {
  const t = useTranslations('scenes.budget')
  const { data } = useBudget(task.rootTaskId)
  const need = task.errorInfo?.need
  const mayAct = useMayAct()(task)
  return (
    <Alert color="yellow" icon={<IconCoin aria-hidden />} title={t('title')} role="status">
      <Stack gap="sm">
        <Text size="sm">{t('text')}</Text>
        {mayAct && data?.budget !== undefined && (
          <RaiseForm
            key={`${data.budget.tokens} ${data.budget.cost}`}
            use={data}
            budget={data.budget}
            need={need}
          />
        )}
      </Stack>
    </Alert>
  )
}

/** Returns what has to be allowed at least, for the next call to be made. */
function enoughFor({ spent, reserved }: BudgetUse, need: Amount | undefined): Required<Amount> {
  return {
    tokens: spent.tokens + reserved.tokens + (need?.tokens ?? 0),
    cost: roundUp(spent.cost + reserved.cost + (need?.cost ?? 0)),
  }
}

/** To a hundredth of a cent: what is asked for must be enough. */
function roundUp(cost: number): number {
  return Math.ceil(cost * 10_000) / 10_000
}

/** Twice what is enough covers the calls after the next one. */
function suggested(set: number | undefined, enough: number): number | '' {
  return set === undefined ? '' : Math.max(set, enough * 2)
}

function RaiseForm({ use, budget, need }: { use: BudgetUse; budget: Amount; need: Amount | undefined }) {
  const t = useTranslations('scenes.budget')
  const enough = enoughFor(use, need)
  const [tokens, setTokens] = useState(suggested(budget.tokens, enough.tokens))
  const [cost, setCost] = useState(suggested(budget.cost, enough.cost))
  const raise = useSetBudget(use.rootTaskId)
  const currency = useCurrency()
  const wanted = { ...(tokens === '' ? {} : { tokens }), ...(cost === '' ? {} : { cost }) }
  return (
    <Form onSubmit={() => raise.mutate(wanted)}>
      <Stack gap="sm">
        <Account use={use} budget={budget} need={need} currency={currency} />
        <Group align="flex-end" gap="sm">
          {budget.cost !== undefined && (
            <NumberField
              label={currency === undefined ? t('cost') : t('costIn', { currency })}
              value={cost}
              onChange={setCost}
              min={0}
              step={0.1}
              decimalScale={4}
              w="10rem"
            />
          )}
          {budget.tokens !== undefined && (
            <NumberField
              label={t('tokens')}
              value={tokens}
              onChange={setTokens}
              min={0}
              step={1_000}
              allowDecimal={false}
              w="10rem"
            />
          )}
          <Button type="submit" loading={raise.isPending} disabled={Object.keys(wanted).length === 0}>
            {t('raise')}
          </Button>
        </Group>
        {raise.error !== null && <ErrorNotice error={raise.error} />}
      </Stack>
    </Form>
  )
}

interface AccountProps {
  use: BudgetUse
  budget: Amount
  need: Amount | undefined
  currency: string | undefined
}

/** Spent, allowed, needed: of each measure that the budget has. */
function Account({ use: { spent, reserved }, budget, need, currency }: AccountProps) {
  const t = useTranslations('scenes.budget')
  const writing = useWriting()
  const money = (amount: number) => writing.money(amount, currency)
  return (
    <Stack gap={2} className="numbers">
      {budget.cost !== undefined && (
        <Text size="sm">
          {t('accountCost', {
            spent: money(spent.cost + reserved.cost),
            budget: money(budget.cost),
            need: need?.cost === undefined ? t('unpriced') : money(need.cost),
          })}
        </Text>
      )}
      {budget.tokens !== undefined && (
        <Text size="sm">
          {t('accountTokens', {
            spent: spent.tokens + reserved.tokens,
            budget: budget.tokens,
            need: need?.tokens ?? 0,
          })}
        </Text>
      )}
    </Stack>
  )
}
