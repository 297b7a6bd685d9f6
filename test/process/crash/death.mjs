// How a child process dies at a named point: by its own SIGKILL, so that nothing of it runs any more.

/** Ends the process as `kill -9` does. */
export function dieNow() {
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way: not one more step is made.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
}

/** Answers what to call at a point: the process dies at the nth passing of `kill.at`. */
export function deathAt(kill, ledger) {
  let left = kill?.nth ?? 0
  return point => {
    if (point !== kill?.at || left === 0) return
    left -= 1
    if (left > 0) return
    ledger.note({ is: 'killed', at: point })
    dieNow()
  }
}
