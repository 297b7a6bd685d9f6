import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, serve } from '../http/api.ts'
import { serveNovels } from '../http/novel-api.ts'
import { type BrokenWay, brokenWay } from './cut.ts'

const folder = fileURLToPath(new URL('../../clients/python', import.meta.url))
const missing = spawnSync('python3', ['--version']).status !== 0
if (missing) process.stderr.write('\nSKIPPED: the Python client. Install Python 3.9 or newer.\n\n')

const token = 'a-token-of-the-tests-that-is-long-enough'

/** What a program printed; it fails the test where it ends otherwise. */
async function python(program: string, ...args: string[]): Promise<string> {
  const child = spawn('python3', ['-W', 'error', '-c', program, ...args], {
    env: { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
  })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => (out += text))
  child.stderr.setEncoding('utf8').on('data', text => (err += text))
  const code = await new Promise(resolve => child.on('close', resolve))
  expect(err).toBe('')
  expect(code).toBe(0)
  return out
}

const head = `
import sys, threading, json
from quillwork import ApiError, Client
client = Client(sys.argv[1], token=${JSON.stringify(token)})
`

describe.skipIf(missing)(`the Python client${missing ? ' (python3 is not installed)' : ''}`, () => {
  let api: Api
  let way: BrokenWay
  beforeAll(async () => {
    api = await serve({ token })
    way = await brokenWay(api.url)
  })
  afterAll(async () => {
    await way[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  test('submits, waits, reads, lists, cancels, and says what was refused', async () => {
    const printed = await python(
      `${head}
done = client.submit("Scripted", {"orders": [{"do": "succeed", "value": 7}]}, tags=["python"])
done = client.wait_for(done["id"], timeout=30)
print(done["status"], done["result"], client.get(done["id"])["tags"])
print([task["id"] == done["id"] for task in client.list(tag="python", status=["COMPLETED"], rootsOnly=True)["items"]])
held = client.submit("Scripted", {"orders": [{"do": "waitFor", "name": "go"}]}, idempotency_key="held")
print(client.submit("Scripted", {"orders": [{"do": "waitFor", "name": "go"}]}, idempotency_key="held")["id"] == held["id"])
try: client.wait_for(held["id"], timeout=0.05)
except ApiError as error: print(error.code, error.status)
client.cancel(held["id"])
print(client.wait_for(held["id"])["status"], list(client.events(held["id"], format="cloudevents")))
for ask in [lambda: client.get("nothing"), lambda: client.submit("Nothing"), lambda: list(client.events("nothing")),
            lambda: Client(client.url, token="wrong").list(), lambda: Client("http://127.0.0.1:9", timeout=1).request("GET", "/healthz")]:
    try: ask()
    except ApiError as error: print(error.status, error.code, error.retryable)
`,
      api.url,
    )
    expect(printed.trim().split('\n')).toEqual([
      "COMPLETED 7 ['python']",
      '[True]',
      'True',
      'WAIT_TIMEOUT 0',
      'CANCELLED []',
      '404 TASK_NOT_FOUND False',
      '400 TASK_TYPE_UNKNOWN False',
      '404 TASK_NOT_FOUND False',
      '401 UNAUTHENTICATED False',
      '0 SERVER_UNREACHABLE True',
    ])
  })

  test('follows events and output to their end, whatever breaks', async () => {
    const pieces = Array.from({ length: 30 }, (_, at) => `piece ${at}, 渡口; `)
    const writes = pieces.map(text => ({ do: 'write', text }))
    const id = await api.post<{ id: string }>(
      '/v1/tasks',
      { taskType: 'Scripted', parameters: { orders: [{ do: 'waitFor', name: 'go' }, ...writes] } },
      { authorization: `Bearer ${token}` },
    )
    const taskId = id.body.id
    const before = way.broken
    way.breakNext(6, 700)
    const reading = python(
      `${head}
text = []
def read():
    for event in client.output(sys.argv[2]):
        if event.event == "reset": text.clear()
        if event.event == "text": text.append(event.data["text"])
    text.append(event.event + " " + event.data["status"])
thread = threading.Thread(target=read)
thread.start()
seen = []
for event in client.events(sys.argv[2], last_event_id="other-1"):
    seen.append(event)
    if event.event == "reset": print("begun", flush=True)
thread.join()
print(json.dumps({"text": "".join(text), "events": [event.event for event in seen], "last": seen[-1].data["status"],
                  "twice": len(seen) - len({event.id for event in seen})}))
`,
      way.url,
      taskId,
    )
    await expect.poll(async () => (await openStreams()) >= 1).toBe(true)
    await api.engine.drain()
    await api.engine.signal(taskId, 'go')
    await api.engine.drain()
    await api.engine.advance('1s')
    const read = JSON.parse((await reading).trim().split('\n').at(-1) ?? '') as Record<string, unknown>
    expect(way.broken).toBeGreaterThan(before)
    expect(read).toMatchObject({ text: `${pieces.join('')}end COMPLETED`, last: 'COMPLETED', twice: 0 })
    expect(read['events']).toEqual(expect.arrayContaining(['reset', 'task.updated', 'task.completed']))
  })

  test('the program of its page submits, follows and reads', async () => {
    const page = readFileSync(path.join(folder, 'README.md'), 'utf8')
    const program = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
    expect(program.trim().split('\n').length).toBeLessThanOrEqual(10)
    await using own = await serveNovels({ token, userId: 'local' })
    const authorization = { authorization: `Bearer ${token}` }
    const made = await own.post('/v1/novels', { title: 'The Salt Ledger' }, authorization)
    expect(made.status).toBe(201)
    const here = program
      .replace('http://127.0.0.1:7420', own.url)
      .replace('open(".quillwork/server.token").read().strip()', JSON.stringify(token))
    expect(here).toContain(own.url)
    expect((await python(here)).trim().split('\n').at(-1)).toMatch(/^COMPLETED \{.*'total'/)
  })

  async function openStreams(): Promise<number> {
    const { text } = await api.ask('/metrics', { headers: { authorization: `Bearer ${token}` } })
    return Number(/^quillwork_sse_connections (\d+)/m.exec(text)?.[1])
  }
})
