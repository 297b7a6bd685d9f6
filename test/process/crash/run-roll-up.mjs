// A child program: sums old model calls by day, a few a step, until it is killed or none is left.
import { mongodb } from 'quillwork/mongodb'
import { sqlite } from 'quillwork/sqlite'
import { endWithParent, optionsOf, say } from './program.mjs'

const { file, url, before, limit } = optionsOf()
endWithParent()

const store = file === undefined ? mongodb({ url }) : sqlite({ file })
await store.open?.()
for (let from, step = 1; ; step++) {
  from = await store.usage.rollUp({ before, from, limit })
  say(`step ${step}`)
  if (from === undefined) break
}
await store.tasks.close()
say('done')
process.exit(0)
