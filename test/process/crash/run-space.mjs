// A child program: fills the file with tasks that ended; or prunes and compacts it while it submits small tasks, until the test kills it.
import { statSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { createEngine, defineTask } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'
import { endWithParent, optionsOf, say } from './program.mjs'

const { file, boot, fill = 0 } = optionsOf()
endWithParent()

const text = 'x'.repeat(100_000)
const large = defineTask({ type: 'Large', parameters: z.string(), result: z.null(), execute: () => null })
const small = defineTask({ type: 'Small', parameters: z.number(), result: z.null(), execute: () => null })
const engine = await createEngine({
  tasks: [large, small],
  store: sqlite({ file }),
  times: { sweepInterval: fill > 0 ? '1h' : '10ms' },
  retention: fill > 0 ? {} : { COMPLETED: '1ms' },
})
await engine.start()
for (let number = 0; number < fill; number++) await (await engine.submit(large, text)).result()
for (let number = 0; fill === 0; number++) {
  await engine.submit(small, number, { idempotencyKey: `${boot}/${number}`, delay: '1h' })
  say(`accepted ${number}`)
  if (statSync(file).size < 12_000_000 && statSync(`${file}-wal`).size < 1_000_000) say('short')
  await setImmediate()
}
await engine.stop()
process.stdin.destroy()
