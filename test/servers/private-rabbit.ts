import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import amqp from 'amqplib'
import { answers, freePort } from './ports.ts'
import { makeFolder, removeFolder, type ServerProcess, startProcess, tailOf } from './process.ts'
import { until } from './until.ts'

/** A RabbitMQ node that one test has for itself: it may be killed, stopped and started again on the same folder and port. */
export interface PrivateRabbit extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** The node's name, as in a queue's `leader` and `online`. */
  readonly node: string
  /** The id of the node's process; another one after each start. */
  readonly pid: number
  /** Runs `rabbitmqctl` on the node and answers what it prints. Needs a running node. */
  ctl(...args: string[]): Promise<string>
  /** What the node has logged so far. */
  log(): string
  /**
   * Writes the register of quorum queues to disk. RabbitMQ 4.0 does so only every 3 minutes: a queue that was declared since then never
   * gets a leader again after a crash. Call it after the declarations, before a kill.
   */
  sync(): Promise<void>
  /** Sends a signal (SIGKILL unless given). After a signal that ends the process it resolves when the process has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts the node again after it has ended; resolves when it takes connections. */
  start(): Promise<void>
  /** Ends the node in order, and starts it again. */
  restart(): Promise<void>
  /** Ends the node for good and removes its folder. */
  stop(): Promise<void>
}

/** `port` is chosen unless given. */
export interface RabbitOptions {
  port?: number
  /** Lines of `rabbitmq.conf`. */
  conf?: readonly string[]
  /** The address by which the node is known to take connections; default: that of `guest`, whom a node with accounts of its own does not have. */
  url?: (port: number) => string
  /** Settings of the broker itself that `rabbitmq.conf` does not know. */
  advanced?: Readonly<Record<string, number>>
}

/** Where the scripts of RabbitMQ are; the ones on PATH change the user, and read the machine's own settings. */
const installations = [
  '/usr/lib/rabbitmq/lib',
  '/opt/rabbitmq',
  '/opt/homebrew/opt/rabbitmq',
  '/usr/local/opt/rabbitmq',
]

/** Nodes with the same secret talk to each other; all of them are tests' own. */
const cookie = 'QUILLWORK'

/** What to do where RabbitMQ is missing. */
export const howToGetRabbit =
  'Set RABBITMQ_URL to a broker that the tests may use, or install RabbitMQ 4 (apt-get install rabbitmq-server)'

const execute = promisify(execFile)

/** The folder with `rabbitmq-server` and `rabbitmqctl`, or undefined where RabbitMQ is not installed. */
export function findRabbitScripts(): string | undefined {
  const folders = installations.flatMap(folder => {
    const inside = existsSync(folder) ? readdirSync(folder) : []
    return [folder, ...inside.map(name => path.join(folder, name))]
  })
  return folders
    .map(folder => path.join(folder, 'sbin'))
    .find(folder => existsSync(path.join(folder, 'rabbitmq-server')))
}

/** Starts a node. Rejects with what to install where RabbitMQ is missing. */
export async function privateRabbit(options: RabbitOptions = {}): Promise<PrivateRabbit> {
  const folder = makeFolder('rabbit')
  const names = await startNames(folder)
  return startNode(folder, names, options, true)
}

/** Nodes that form one cluster. */
export interface PrivateCluster extends AsyncDisposable {
  readonly nodes: readonly PrivateRabbit[]
  stop(): Promise<void>
}

/** Starts `size` nodes and joins them. */
export async function privateCluster(size: number, options: RabbitOptions = {}): Promise<PrivateCluster> {
  const folder = makeFolder('rabbit')
  const names = await startNames(folder)
  const started = await Promise.all(
    Array.from({ length: size }, () => startNode(makeFolder('rabbit'), names, options, false)),
  )
  const [first, ...others] = started
  // One by one: two nodes that join at the same moment may refuse each other.
  for (const node of others) {
    await node.ctl('stop_app')
    await node.ctl('join_cluster', first?.node ?? '')
    await node.ctl('start_app')
  }
  async function stop() {
    await Promise.all(started.map(node => node.stop()))
    await names.process.kill('SIGTERM')
    removeFolder(folder)
  }
  return { nodes: started, stop, [Symbol.asyncDispose]: stop }
}

/** The name server of Erlang nodes. One of our own: a node would start one that outlives it. */
interface Names {
  port: number
  process: ServerProcess
}

async function startNames(folder: string): Promise<Names> {
  const port = await freePort()
  const args = ['-address', '127.0.0.1', '-port', `${port}`]
  const process = startProcess({ command: 'epmd', args, folder, logFile: path.join(folder, 'names.log') })
  await until(() => answers(port), 'name server for RabbitMQ nodes')
  return { port, process }
}

async function startNode(
  folder: string,
  names: Names,
  options: RabbitOptions,
  ownsNames: boolean,
): Promise<PrivateRabbit> {
  const scripts = findRabbitScripts()
  if (scripts === undefined) throw new Error(`RabbitMQ is not installed. ${howToGetRabbit}.`)
  const port = options.port ?? (await freePort())
  const url = options.url?.(port) ?? `amqp://guest:guest@127.0.0.1:${port}`
  const node = `q${port}@localhost`
  const env = environmentOf(folder, node, await freePort(), names.port)
  writeSettings(folder, port, options)
  let server: ServerProcess | undefined

  async function start() {
    if (server?.running()) return
    server = await startServer(path.join(scripts ?? '', 'rabbitmq-server'), folder, env, url)
  }
  async function ctl(...args: readonly string[]) {
    const { stdout } = await execute(path.join(scripts ?? '', 'rabbitmqctl'), ['--quiet', ...args], { env })
    return stdout
  }
  async function kill(signal: NodeJS.Signals = 'SIGKILL') {
    await server?.kill(signal)
  }
  async function stop() {
    // SIGKILL: an orderly end takes seconds, and nothing of the node is wanted any more.
    await kill()
    if (ownsNames) await names.process.kill('SIGTERM')
    removeFolder(folder)
  }

  await start()
  return {
    url,
    port,
    node,
    get pid() {
      return server?.pid ?? 0
    },
    ctl,
    log: () => readFileSync(path.join(folder, 'log', `${node}.log`), 'utf8'),
    async sync() {
      await ctl('eval', '[ok = dets:sync(Table) || Table <- dets:all()].')
    },
    kill,
    start,
    async restart() {
      await kill('SIGTERM')
      await start()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Everything that would otherwise come from the machine's own installation. */
function environmentOf(folder: string, node: string, distPort: number, namesPort: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: path.join(folder, 'home'),
    ERL_EPMD_PORT: `${namesPort}`,
    // A command whose folder is gone writes no dump into the folder that it was called from.
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: path.join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path.join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path.join(folder, 'enabled_plugins'),
    RABBITMQ_NODENAME: node,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_MNESIA_BASE: path.join(folder, 'data'),
    RABBITMQ_LOG_BASE: path.join(folder, 'log'),
    RABBITMQ_PID_FILE: path.join(folder, 'pid'),
    // The script becomes the node instead of watching over it: its id is the node's.
    RUNNING_UNDER_SYSTEMD: 'true',
    // Schedulers that do not spin while they wait: the machine is small and shared.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
  }
}

function writeSettings(folder: string, port: number, { conf = [], advanced = {} }: RabbitOptions): void {
  const home = path.join(folder, 'home')
  mkdirSync(home, { recursive: true })
  const cookieFile = path.join(home, '.erlang.cookie')
  writeFileSync(cookieFile, cookie)
  chmodSync(cookieFile, 0o400)
  const lines = [`listeners.tcp.1 = 127.0.0.1:${port}`, 'loopback_users = none', ...conf]
  writeFileSync(path.join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`)
  const settings = Object.entries(advanced).map(([name, value]) => `{${name}, ${value}}`)
  writeFileSync(path.join(folder, 'advanced.config'), `[{rabbit, [${settings.join(', ')}]}].`)
  writeFileSync(path.join(folder, 'enabled_plugins'), '[].')
}

async function startServer(
  command: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  url: string,
): Promise<ServerProcess> {
  const logFile = path.join(folder, 'server.log')
  const server = startProcess({ command, args: [], folder, logFile, env })
  try {
    await until(async () => !server.running() || (await canConnect(url)), 'RabbitMQ node', 90_000)
  } catch (error) {
    await server.kill('SIGKILL')
    throw new Error(`${String(error)}\n${tailOf(logFile)}`)
  }
  if (!server.running()) throw new Error(`RabbitMQ ended at its start:\n${tailOf(logFile)}`)
  return server
}

/** Whether a broker takes connections at the address. */
export async function canConnect(url: string): Promise<boolean> {
  try {
    const connection = await amqp.connect(url, { timeout: 5_000 })
    await connection.close()
    return true
  } catch {
    return false
  }
}
