/** Another user of this machine, for tests of what other users can do. Only root can act as one. */
import { spawnSync } from 'node:child_process'

/** The user and the group that own nothing. */
export const other = 65_534

/** Why nothing can be done as another user, for the name of a test; undefined where it can. */
export const withoutRoot =
  process.geteuid?.() === 0 ? undefined : ': NOT TESTED, only root can act as another user'
if (withoutRoot !== undefined) process.emitWarning(`what other users can do${withoutRoot}`)

/** Runs something in this process as the other user, for as long as it takes. */
export function asOther<T>(act: () => T): T {
  process.setegid?.(other)
  process.seteuid?.(other)
  try {
    return act()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

/** Runs a program, given as text, in a process of the other user. Returns what it printed. */
export function runAsOther(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program, ...args], {
    cwd: '/',
    uid: other,
    gid: other,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`a program of another user failed: ${stderr}`)
  return stdout
}
