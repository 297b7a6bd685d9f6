import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'

/** Seconds of wall time of the command that imports a novel into an empty data directory, start of the process included. */
export async function importNovel({ directory, book, repository }) {
  const command = ['import', book, '--yes', '--watch', '--json', '--data', join(directory, 'data')]
  const begin = performance.now()
  const child = spawn(process.execPath, [join(repository, 'bin/quillwork.js'), ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, QUILLWORK_PORT: '0' },
  })
  const stopNow = () => child.kill('SIGKILL')
  process.once('exit', stopNow)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  process.removeListener('exit', stopNow)
  const seconds = (performance.now() - begin) / 1000
  const { status } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
  if (code !== 0 || status !== 'COMPLETED')
    throw new Error(`the import ended with code ${code} and status ${status}`)
  return { seconds }
}
