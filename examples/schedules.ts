// A task at every tick of a cron expression. A tick is submitted once, whatever crashes in between.
import { createEngine, defineTask, schedule } from 'quillwork'
import { sqlite } from 'quillwork/sqlite'
import { z } from 'zod'

const backUp = defineTask({
  type: 'BackUp',
  parameters: z.object({ folder: z.string() }),
  result: z.object({ files: z.number() }),
  execute(ctx) {
    // The tick, however late the task runs.
    ctx.logInfo('backing up', { of: ctx.scheduledFor })
    return { files: 3 }
  },
})

const everySecond = schedule({
  id: 'back-up',
  // Six fields: the first one counts seconds. Five fields are minutes and up.
  cron: '* * * * * *',
  timeZone: 'Europe/Madrid',
  task: backUp,
  parameters: { folder: 'manuscripts' },
  // Ticks that pass while nothing runs: only the latest is made up for. A tick whose predecessor still runs is skipped.
  catchUp: 'latest',
  overlap: 'skip',
})

const engine = await createEngine({
  tasks: [backUp],
  store: sqlite({ file: 'schedules.db' }),
  schedules: [everySecond],
})
let ended = 0
const twice = new Promise<void>(resolve => {
  engine.events.on('completed', event => {
    console.log(`${event.taskType} ended ${event.status}`)
    ended += 1
    if (ended === 2) resolve()
  })
})
await engine.start()
await twice
await engine.stop()
