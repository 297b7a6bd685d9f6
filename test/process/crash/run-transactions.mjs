// A child program: writes an order and its task in one transaction, again and again, and dies within one or soon after.
import { appendFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { dieNow } from './death.mjs'
import { endWithParent, optionsOf } from './program.mjs'

const { file, ledgerFile, within, turns } = optionsOf()
endWithParent()

const order = defineTask({
  type: 'Order',
  parameters: z.string(),
  result: z.null(),
  execute: () => null,
})
const engine = await createEngine({ tasks: [order], store: sqlite({ file }) })
await engine.transaction(tx =>
  tx.prepare('CREATE TABLE IF NOT EXISTS app_orders (id TEXT PRIMARY KEY)').run(),
)
let inserted = 0
/** Notes what was acknowledged. */
const note = taskId => appendFileSync(ledgerFile, `${taskId}\n`)
const add = tx => {
  const { taskId } = tx.submit(order, 'one order')
  tx.prepare('INSERT INTO app_orders (id) VALUES (?)').run(taskId)
  inserted += 1
  if (inserted === within) dieNow()
  return taskId
}
for (let round = 0; ; round++) {
  const made = Promise.all(Array.from({ length: 5 }, () => engine.transaction(add).then(note)))
  if (round === 3) {
    for (let turn = 0; turn < turns; turn++) await setImmediate()
    dieNow()
  }
  await made
}
