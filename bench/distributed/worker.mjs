/** A worker process: its options come as JSON; it tells which tasks it started, and answers what it said to the servers. */
import { openDistributed } from './engine.mjs'
import { counted } from './wire.mjs'

let started = []

/** The starts of one turn of the event loop are told together. */
function onStart(index) {
  if (started.length === 0) setImmediate(tellStarts)
  started.push(index)
}

function tellStarts() {
  process.send({ started })
  started = []
}

const { engine } = await openDistributed(JSON.parse(process.argv[2]), onStart)
await engine.start()
process.on('message', async message => {
  if (message === 'count') process.send({ counted: counted() })
  else {
    await engine[Symbol.asyncDispose]()
    process.exit(0)
  }
})
process.send({ ready: true })
