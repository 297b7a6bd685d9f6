import { describe, expect, it } from 'vitest'
import { budgetFrom, budgetGiven, budgetLines } from '../../src/cli/commands/budget.ts'

const given = (tokens: string | undefined, cost?: string) =>
  budgetFrom({ option: '--tokens', text: tokens }, { option: '--cost', text: cost })

describe('a budget on the command line', () => {
  it.each([
    [undefined, undefined, undefined],
    ['250000', undefined, { tokens: 250_000 }],
    ['250,000', '2.50', { tokens: 250_000, cost: 2.5 }],
    ['0', '1_000', { tokens: 0, cost: 1_000 }],
  ])('%s and %s', (tokens, cost, budget) => {
    expect(given(tokens, cost)).toEqual(budget)
  })

  it.each([
    ['many', undefined, /--tokens takes a whole number/],
    ['1.5', undefined, /--tokens takes/],
    ['2,50', undefined, /--tokens takes/],
    [undefined, '2,50', /--cost takes an amount, such as 2\.50, not "2,50"/],
    [undefined, '-1', /--cost takes/],
  ])('refuses %s and %s', (tokens, cost, message) => {
    expect(() => given(tokens, cost)).toThrowError(message)
  })

  it('is named otherwise where it comes with a task', () => {
    expect(budgetGiven({ budgetTokens: '5' })).toEqual({ tokens: 5 })
    expect(() => budgetGiven({ budgetCost: 'x' })).toThrowError(/--budget-cost/)
    expect(budgetGiven({})).toBeUndefined()
  })
})

describe('what a tree has spent, in words', () => {
  const none = { tokens: 0, cost: 0 }

  it('says the budget, what came of it and who waits', () => {
    const use = {
      rootTaskId: 'x',
      budget: { tokens: 250_000, cost: 2.5 },
      spent: { tokens: 249_800, cost: 1.200001 },
      reserved: { tokens: 1, cost: 0.1 },
      waiting: 12,
    }
    expect(budgetLines(use)).toEqual([
      'budget    250,000 tokens, cost 2.50',
      'spent     249,800 tokens, cost 1.200001',
      'reserved  1 token, cost 0.10',
      'waiting   12 tasks, until the budget is raised',
    ])
  })

  it('says that there is none, and leaves out who does not wait', () => {
    const lines = budgetLines({ rootTaskId: 'x', spent: { tokens: 7, cost: 0 }, reserved: none, waiting: 0 })
    expect(lines).toEqual([
      'budget    none',
      'spent     7 tokens, cost 0.00',
      'reserved  0 tokens, cost 0.00',
    ])
  })
})
