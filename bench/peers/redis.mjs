import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A Redis of the benchmark's own on a free port of 127.0.0.1: append-only file in `directory`, synced every second. */
export async function startRedis(directory) {
  const port = await freePort()
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', '']
  const durability = ['--appendonly', 'yes', '--appendfsync', 'everysec']
  const server = spawn('redis-server', [...settings, ...durability], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stopNow = () => server.kill('SIGKILL')
  process.once('exit', stopNow)
  const ended = once(server, 'exit')
  try {
    await ready(server, ended)
  } catch (error) {
    stopNow()
    throw error
  }
  return {
    port,
    stop: async () => {
      server.kill('SIGTERM')
      await ended
      process.removeListener('exit', stopNow)
    },
  }
}

/** Resolves when the server accepts connections; the rest of its output is read and dropped. */
function ready(server, ended) {
  const accepting = new Promise(resolve => {
    let output = ''
    server.stdout.on('data', chunk => {
      output = (output + chunk).slice(-4096)
      if (output.includes('Ready to accept connections')) resolve()
    })
  })
  const failed = ended.then(([code]) => {
    throw new Error(`redis-server ended with code ${code} before it was ready`)
  })
  // Losing the race is normal for this promise: the server ends when the measurement is over.
  failed.catch(() => {})
  return Promise.race([accepting, failed])
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
