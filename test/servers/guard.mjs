// A process beside each process that starts servers. When its parent is gone, however it went, its standard input ends, and it kills
// what the parent left running and removes what it left behind. It lets no server outlive the test that started it.
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

const processes = new Set()
const folders = new Set()

createInterface({ input: process.stdin })
  .on('line', line => {
    const { watch, forget, keep, remove } = JSON.parse(line)
    if (watch !== undefined) processes.add(watch)
    if (forget !== undefined) processes.delete(forget)
    if (remove !== undefined) folders.add(remove)
    if (keep !== undefined) folders.delete(keep)
  })
  .on('close', () => {
    // SIGKILL ends a stopped process too.
    for (const pid of processes) endProcess(pid)
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  })

function endProcess(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
