import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BudgetAccount,
  budgetCodec,
  budgetOf,
  capacityOf,
  choose,
  hasWantedCapacity,
  keepPromise,
  leave,
  limitOf,
  type Need,
  namedHold,
  needOf,
  noAccount,
  nothing,
  open,
  promise,
  realOf,
  reserve,
  reservedOf,
  settle,
  settleEarlier,
  spend,
  spendingOf,
  spentOf,
  type Unit,
} from '../../src/engine/budget-arithmetic.ts'
import { type Amount as AmountOf, expireHolds } from '../../src/runtime/account.ts'

type Amount = AmountOf<Unit>

function accountWith(limit: Partial<Amount>, used: Amount = { tokens: 0, money: 0 }): BudgetAccount {
  const account = noAccount()
  open(account, limit, used)
  return account
}

const small = fc.integer({ min: 0, max: 500 })
const amounts = fc.record({ tokens: small, money: small })
const needs: fc.Arbitrary<Need> = fc.record({ tokens: small, money: small }, { requiredKeys: ['tokens'] })
const limits: fc.Arbitrary<Partial<Amount>> = fc.record(
  { tokens: fc.integer({ min: 0, max: 2_000 }), money: fc.integer({ min: 0, max: 2_000 }) },
  { requiredKeys: [] },
)

/** What happens to an account, in any order; `of` names one of the calls that were granted so far. */
type Step =
  | { do: 'reserve'; need: Need; leaseMs: number }
  | { do: 'settle'; of: number; real: Amount }
  | { do: 'release'; of: number }
  | { do: 'expire'; after: number }
  | { do: 'limit'; limit: Partial<Amount> }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('reserve' as const), need: needs, leaseMs: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ do: fc.constant('settle' as const), of: fc.nat(30), real: amounts }),
    fc.record({ do: fc.constant('release' as const), of: fc.nat(30) }),
    fc.record({ do: fc.constant('expire' as const), after: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ do: fc.constant('limit' as const), limit: limits }),
  ),
  { maxLength: 60 },
)

function counted(account: BudgetAccount): Amount {
  const reserved = reservedOf(account)
  return { tokens: spentOf(account).tokens + reserved.tokens, money: spentOf(account).money + reserved.money }
}

/** Runs steps beside a model that only knows what each call counts as: its estimate until it is settled, then what it cost. */
function play(limit: Partial<Amount>, script: readonly Step[], check: (account: BudgetAccount) => void) {
  const account = accountWith(limit)
  const calls: { id: string; need: Need; counts: Amount; settled: boolean }[] = []
  let now = 0
  for (const step of script) {
    if (step.do === 'reserve') {
      const before = counted(account)
      const id = `${calls.length}`
      const misfit = reserve(account, id, step.need, now + step.leaseMs)
      const after = counted(account)
      if (misfit === undefined) {
        calls.push({ id, need: step.need, counts: { money: 0, ...step.need }, settled: false })
        for (const unit of ['tokens', 'money'] as const)
          expect(after[unit]).toBeLessThanOrEqual(account.limit[unit] ?? Number.POSITIVE_INFINITY)
      } else expect(after).toEqual(before)
    } else if (step.do === 'expire') {
      now += step.after
      const before = counted(account)
      expireHolds(account, now)
      expect(counted(account)).toEqual(before)
      for (const { leaseEnd } of account.holds.values()) expect(leaseEnd).toBeGreaterThan(now)
    } else if (step.do === 'limit') account.limit = step.limit
    else {
      const call = calls.filter(({ settled }) => !settled)[step.of]
      if (call === undefined) continue
      call.settled = true
      call.counts = step.do === 'settle' ? step.real : { tokens: 0, money: 0 }
      settle(account, call.id, call.need, call.counts)
    }
    check(account)
  }
  return { account, calls }
}

describe('the account of a budget', () => {
  it('counts every call once: at its estimate until it is settled, then at what it cost, also when its lease had ended', () => {
    fc.assert(
      fc.property(limits, steps, (limit, script) => {
        const { account, calls } = play(limit, script, () => undefined)
        const sum = { tokens: 0, money: 0 }
        for (const { counts } of calls) {
          sum.tokens += counts.tokens
          sum.money += counts.money
        }
        expect(counted(account)).toEqual(sum)
        for (const { id, settled } of calls) if (settled) expect(account.holds.has(id)).toBe(false)
      }),
    )
  })

  it('counts a call that an earlier attempt was killed in at what is known of it, and at what it cost when that is heard after all', () => {
    const call = { taskId: 'task', call: 'part 1: call 1' }
    const need = { tokens: 800, money: 8 }
    fc.assert(
      fc.property(amounts, fc.option(amounts), (known, real) => {
        const account = accountWith({})
        const id = namedHold('unique', { ...call, attempt: 1 })
        reserve(account, id, need, 1_000)
        const others = [
          namedHold('a', { ...call, attempt: 2 }),
          namedHold('b', { ...call, taskId: 'other', attempt: 1 }),
          namedHold('c', { ...call, call: 'part 1: call 2', attempt: 1 }),
          'unnamed',
        ]
        for (const other of others) reserve(account, other, need, 1_000)
        expect(settleEarlier(account, { ...call, attempt: 2 }, known)).toBe(true)
        const rest = { tokens: 3_200, money: 32 }
        const plusRest = ({ tokens, money }: Amount) => ({
          tokens: tokens + rest.tokens,
          money: money + rest.money,
        })
        expect(counted(account)).toEqual(plusRest(known))
        expect(reservedOf(account)).toEqual(rest)
        // A third attempt gives back what the second reserved, and nothing of what is known.
        settleEarlier(account, { ...call, attempt: 3 }, nothing)
        expect(counted(account)).toEqual({ tokens: 2_400 + known.tokens, money: 24 + known.money })
        const text = budgetCodec.write({ state: account, writes: [] }, 'new')
        expect(counted(budgetCodec.read(text, 0).state)).toEqual(counted(account))
        if (real !== null) settle(account, id, need, real)
        expect(counted(account)).toEqual({
          tokens: 2_400 + (real ?? known).tokens,
          money: 24 + (real ?? known).money,
        })
        // Once its hold is gone, what it cost gives nothing back.
        expireHolds(account, 1_000)
        settle(account, id, need, { tokens: 0, money: 0 })
        expect(counted(account).tokens).toBe(2_400 + (real ?? known).tokens)
      }),
    )
  })

  it('counts a call whose attempt ended at its estimate, as spent, until it is known', () => {
    const call = { taskId: 'task', call: 'call 1' }
    const need = { tokens: 800, money: 8 }
    const id = namedHold('unique', { ...call, attempt: 1 })
    const left = () => {
      const account = accountWith({})
      reserve(account, id, need, 1_000)
      expect(leave(account, id)).toBe(true)
      expect(leave(account, id)).toBe(false)
      expect([spentOf(account), reservedOf(account)]).toEqual([need, nothing])
      return account
    }
    const late = left()
    settle(late, id, need, { tokens: 50, money: 1 })
    expect([counted(late), late.holds.size]).toEqual([{ tokens: 50, money: 1 }, 0])
    const killed = left()
    expect(settleEarlier(killed, { ...call, attempt: 2 }, { tokens: 30, money: 1 })).toBe(true)
    expect(counted(killed)).toEqual({ tokens: 30, money: 1 })
    settle(killed, id, need, { tokens: 50, money: 2 })
    expect(counted(killed)).toEqual({ tokens: 50, money: 2 })
  })

  it('counts a killed call whose price is not known at the money that was reserved for it', () => {
    const account = accountWith({})
    const call = { taskId: 'task', call: 'call 1' }
    reserve(account, namedHold('unique', { ...call, attempt: 1 }), { tokens: 800, money: 8 }, 1_000)
    settleEarlier(account, { ...call, attempt: 2 }, { tokens: 30 })
    expect(counted(account)).toEqual({ tokens: 30, money: 8 })
  })

  it('is the same account after its way through a text', () => {
    fc.assert(
      fc.property(limits, steps, amounts, (limit, script, promised) => {
        play(limit, script, account => {
          promise(account, [promised], { now: 0, until: 5 })
          const text = budgetCodec.write({ state: account, writes: ['old'] }, 'new')
          expect(budgetCodec.read(text, 0)).toEqual({ state: account, writes: ['new', 'old'] })
        })
      }),
      { numRuns: 50 },
    )
  })

  it('does not depend on the order in which calls are settled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ need: needs, real: amounts }), { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (calls, order) => {
          const sums = [calls.map((_, index) => index), calls.map((_, index) => index)].map(
            (indexes, round) => {
              const account = accountWith({})
              calls.forEach(({ need }, index) => {
                reserve(account, `${index}`, need, index % 2 === 0 ? 1 : 100)
              })
              if (round === 1) expireHolds(account, 50)
              const left = [...indexes]
              while (left.length > 0) {
                const [index = 0] = left.splice(round === 0 ? 0 : (order.next().value ?? 0) % left.length, 1)
                const call = calls[index]
                if (call !== undefined) settle(account, `${index}`, call.need, call.real)
              }
              return spentOf(account)
            },
          )
          expect(sums[1]).toEqual(sums[0])
        },
      ),
    )
  })

  it('wakes as many as fit, in their order, beside what others were promised', () => {
    fc.assert(
      fc.property(limits, fc.array(needs, { maxLength: 20 }), amounts, (limit, waiting, promised) => {
        const account = accountWith(limit)
        promise(account, [promised], { now: 0, until: 10 })
        const chosen = choose(account, waiting, 0)
        const woken = waiting.filter((_, index) => chosen[index])
        for (const unit of ['tokens', 'money'] as const) {
          const sum = woken.reduce((total, need) => total + (need[unit] ?? 0), promised[unit])
          if (woken.some(need => (need[unit] ?? 0) > 0))
            expect(sum).toBeLessThanOrEqual(limit[unit] ?? Number.POSITIVE_INFINITY)
        }
        // Who was left alone would not have fitted behind those before it.
        waiting.forEach((need, index) => {
          if (chosen[index]) return
          const before = waiting.filter((_, other) => other < index && chosen[other])
          const tooMany = (['tokens', 'money'] as const).some(unit => {
            const most = limit[unit]
            if (most === undefined) return false
            const sum = before.reduce((total, other) => total + (other[unit] ?? 0), promised[unit])
            return need[unit] === undefined || sum + need[unit] > most
          })
          expect(tooMany).toBe(true)
        })
        promise(account, woken, { now: 0, until: 10 })
        expect(
          choose(
            account,
            waiting.filter((_, index) => !chosen[index]),
            0,
          ),
        ).not.toContain(true)
      }),
    )
  })

  it('forgets a promise that was kept, and one whose time is over', () => {
    const account = accountWith({ tokens: 10 })
    promise(account, [{ tokens: 4 }, { tokens: 6 }], { now: 0, until: 10 })
    expect(choose(account, [{ tokens: 1 }], 0)).toEqual([false])
    keepPromise(account, { tokens: 4 })
    expect(choose(account, [{ tokens: 4 }, { tokens: 1 }], 0)).toEqual([true, false])
    expect(choose(account, [{ tokens: 10 }], 10)).toEqual([true])
    promise(account, [{ tokens: 3 }], { now: 20, until: 30 })
    expect(choose(account, [{ tokens: 7 }, { tokens: 1 }], 20)).toEqual([true, false])
  })

  it('knows whether the least that somebody waits for fits now', () => {
    const account = accountWith({ tokens: 10 })
    expect(hasWantedCapacity(account, 0)).toBe(false)
    reserve(account, 'a', { tokens: 8 }, 1)
    expect(reserve(account, 'b', { tokens: 5 }, 1)).toBe('capacity')
    expect(reserve(account, 'c', { tokens: 3 }, 1)).toBe('capacity')
    expect(account.wanted).toEqual({ tokens: 3 })
    expect(hasWantedCapacity(account, 0)).toBe(false)
    settle(account, 'a', { tokens: 8 }, { tokens: 7, money: 0 })
    expect(hasWantedCapacity(account, 0)).toBe(true)
    promise(account, [{ tokens: 1 }], { now: 0, until: 5 })
    expect(hasWantedCapacity(account, 0)).toBe(false)
  })

  it.each<[string, Partial<Amount>, Need, string | undefined]>([
    ['nothing is limited', {}, { tokens: 1e9 }, undefined],
    ['it fits to the last token', { tokens: 40 }, { tokens: 10 }, undefined],
    ['one token too many', { tokens: 39 }, { tokens: 10 }, 'capacity'],
    ['larger than the whole budget', { tokens: 39 }, { tokens: 40 }, 'whole'],
    ['money too', { tokens: 99, money: 34 }, { tokens: 1, money: 5 }, 'capacity'],
    ['a price that nobody knows', { money: 1_000 }, { tokens: 1 }, 'price'],
    ['a price that nobody asks for', { tokens: 1_000 }, { tokens: 1 }, undefined],
  ])('%s', (_name, limit, need, misfit) => {
    expect(reserve(accountWith(limit, { tokens: 30, money: 30 }), 'x', need, 1)).toBe(misfit)
  })

  it('may be overrun by calls that cost more than was reserved, and says by how much', () => {
    const account = accountWith({ tokens: 10 })
    reserve(account, 'a', { tokens: 10 }, 1)
    settle(account, 'a', { tokens: 10 }, { tokens: 25, money: 0 })
    expect(capacityOf(account)).toEqual({ tokens: -15 })
    spend(account, { tokens: 1, money: 2 })
    expect(spentOf(account)).toEqual({ tokens: 26, money: 2 })
  })
})

describe('what people say of spending', () => {
  it('is counted in whole tokens and millionths of money, and said as it was', () => {
    expect(needOf({ tokens: 1.2, cost: 0.1 + 0.2 })).toEqual({ tokens: 2, money: 300_000 })
    expect(needOf({ tokens: 3 })).toEqual({ tokens: 3 })
    expect(realOf({ tokens: 3 }, { tokens: 9, money: 70 })).toEqual({ tokens: 3, money: 70 })
    expect(realOf({ tokens: 3, cost: 0 }, { tokens: 9, money: 70 })).toEqual({ tokens: 3, money: 0 })
    expect(limitOf({ tokens: 1.9, cost: 0.25 })).toEqual({ tokens: 1, money: 250_000 })
    expect(budgetOf({ money: 250_000 })).toEqual({ cost: 0.25 })
    expect(budgetOf({})).toBeUndefined()
    expect(spendingOf({ tokens: 5 })).toEqual({ tokens: 5 })
  })

  it.each([
    { tokens: -1 },
    { tokens: Number.NaN },
    { tokens: Number.POSITIVE_INFINITY },
    { tokens: 1, cost: -0.1 },
  ])('refuses %j', spending => {
    expect(() => needOf(spending)).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }))
    expect(() => limitOf(spending)).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  it('refuses a budget that limits nothing', () => {
    expect(() => limitOf({})).toThrowError(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})

describe('the text of an account', () => {
  it('is none for an account that is not there', () => {
    expect(budgetCodec.read('', 0).state.isOpen).toBe(false)
  })

  it.each([
    ['{"format":2}', 'STORE_NEWER'],
    ['null', 'STORE_NEWER'],
    ['{"format', 'RECORD_UNREADABLE'],
  ])('that cannot be read limits a tree in an unknown way, so %s throws', (text, code) => {
    expect(() => budgetCodec.read(text, 0)).toThrowError(expect.objectContaining({ code }))
  })
})
