// What the child processes write down outside the store: one file of JSON lines, appended to by one process at a time.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'

/** Opens the ledger of a run for appending. `note` survives a kill of the process, `effect` a power cut too. */
export function openLedger(file) {
  const descriptor = openSync(file, 'a')
  const note = entry => {
    writeSync(descriptor, `${JSON.stringify(entry)}\n`)
  }
  return {
    note,
    effect(entry) {
      note(entry)
      fsyncSync(descriptor)
    },
    close: () => closeSync(descriptor),
  }
}
