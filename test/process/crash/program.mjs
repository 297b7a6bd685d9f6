// What every child program of the crash tests does alike: it reads its options, tells its parent how it goes, and ends in order.

/** The options that the test gave, as JSON in the first argument. */
export function optionsOf() {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Tells the test something: one JSON line on standard output. */
export function say(said, more = {}) {
  process.stdout.write(`${JSON.stringify({ said, ...more })}\n`)
}

/** Ends with the test: when the test is gone, its end of the pipe is closed. */
export function endWithParent() {
  process.stdin.resume().on('end', () => process.exit(3))
}

/** Stops the engine at SIGTERM and at once at the second; the process ends with code 0 when it has stopped. */
export function stopBySignal(engine, grace) {
  let asked = 0
  process.on('SIGTERM', () => {
    asked += 1
    say('stopping', { asked })
    const stopping = engine.stop(asked === 1 ? { grace } : { grace: 0 })
    stopping.then(
      () => process.exit(0),
      error => {
        say('failed', { code: error.code, message: String(error) })
        process.exit(4)
      },
    )
  })
}
