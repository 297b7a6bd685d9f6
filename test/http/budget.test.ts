import type { BudgetUseJson, TaskJson } from 'quillwork/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Api, serve } from './api.ts'

const call = (tokens: number) => ({ do: 'reserve', tokens })

describe('the budget of a tree over HTTP', () => {
  let api: Api
  beforeEach(async () => {
    api = await serve()
  })
  afterEach(() => api[Symbol.asyncDispose]())

  const budgetOf = (id: string, ask = {}) => api.ask<BudgetUseJson>(`/v1/tasks/${id}/budget`, ask)
  const taskOf = async (id: string) => (await api.ask<TaskJson>(`/v1/tasks/${id}`)).body

  it('is given with the submission, read, raised and taken away', async () => {
    const orders = [call(20), call(30), { do: 'succeed', value: 'done' }]
    const id = await api.submit(orders, { budget: { tokens: 25, cost: 1.5 } })
    await api.engine.drain()
    expect(await budgetOf(id)).toMatchObject({
      status: 200,
      body: {
        rootTaskId: id,
        budget: { tokens: 25, cost: 1.5 },
        spent: { tokens: 0, cost: 0 },
        reserved: { tokens: 0, cost: 0 },
        waiting: 1,
      },
    })
    const task = await taskOf(id)
    expect(task).toMatchObject({ status: 'RETRYING', waitingFor: { kind: 'budget', rootTaskId: id } })
    expect(task.errorInfo).toMatchObject({ code: 'BUDGET_EXHAUSTED', need: { tokens: 20 } })
    const raised = await budgetOf(id, { method: 'PUT', json: { tokens: 25 } })
    expect(raised).toMatchObject({ status: 200, body: { budget: { tokens: 25 }, waiting: 0 } })
    await api.engine.advance('1s')
    expect((await budgetOf(id)).body).toMatchObject({ spent: { tokens: 20 }, waiting: 1 })
    const removed = await budgetOf(id, { method: 'DELETE' })
    expect(removed).toMatchObject({ status: 200, body: { spent: { tokens: 20 }, waiting: 0 } })
    expect(removed.body.budget).toBeUndefined()
    await api.engine.advance('1s')
    expect(await taskOf(id)).toMatchObject({ status: 'COMPLETED' })
  })

  it('is told of at the root that waits for its sub-tasks, whatever the client has seen', async () => {
    const parameters = { orders: [{ do: 'submitMany', count: 3, orders: [call(20), { do: 'succeed' }] }] }
    const submission = { taskType: 'ScriptedParent', parameters, budget: { tokens: 45 } }
    const { body } = await api.post<TaskJson>('/v1/tasks', submission)
    await api.engine.advance('1s')
    const read = (etag: string) =>
      api.ask<TaskJson>(`/v1/tasks/${body.id}`, { headers: { 'if-none-match': etag } })
    const first = await read('"0"')
    expect(first.body.waitingFor).toEqual({ kind: 'budget', rootTaskId: body.id, tasks: 1 })
    // Its version says nothing of those that wait: an answer that was kept would be wrong once nobody does.
    expect([first.headers.get('etag'), first.headers.get('cache-control')]).toEqual([null, 'no-store'])
    expect((await read(`"${first.body.version}"`)).status).toBe(200)
    const children = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${body.id}/children`)
    expect(children.body.items.map(({ waitingFor }) => waitingFor)).toContainEqual({
      kind: 'budget',
      rootTaskId: body.id,
    })
    await budgetOf(body.id, { method: 'PUT', json: { tokens: 60 } })
    await api.engine.advance('1s')
    expect((await taskOf(body.id)).waitingFor).toBeUndefined()
    expect(await taskOf(body.id)).toMatchObject({ status: 'COMPLETED', result: { COMPLETED: 3 } })
  })

  it('belongs to the root alone, and limits something', async () => {
    const id = await api.submit([{ do: 'submit', subTasks: [{ key: 'a', orders: [] }] }])
    await api.engine.drain()
    const children = await api.ask<{ items: TaskJson[] }>(`/v1/tasks/${id}/children`)
    const child = children.body.items[0]?.id ?? ''
    const refused = await budgetOf(child, { method: 'PUT', json: { tokens: 5 } })
    expect(refused).toMatchObject({ status: 400, body: { code: 'OPTION_INVALID' } })
    expect(await budgetOf('nobody')).toMatchObject({ status: 404, body: { code: 'TASK_NOT_FOUND' } })
    for (const json of [{}, { tokens: -1 }, { tokens: 1.5 }, { cost: 'much' }, { tokens: 1, euros: 2 }, null])
      expect(await budgetOf(id, { method: 'PUT', json })).toMatchObject({
        status: 400,
        body: { code: 'REQUEST_INVALID' },
      })
    expect((await budgetOf(id)).body.budget).toBeUndefined()
  })

  it('is a part of the request that an idempotency key stands for', async () => {
    const submission = { taskType: 'Scripted', parameters: { orders: [] }, budget: { tokens: 5 } }
    const headers = { 'idempotency-key': 'once' }
    const first = await api.post<TaskJson>('/v1/tasks', submission, headers)
    const again = await api.post<TaskJson>('/v1/tasks', submission, headers)
    expect(again.body.id).toBe(first.body.id)
    const other = await api.post('/v1/tasks', { ...submission, budget: { tokens: 6 } }, headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
  })
})
