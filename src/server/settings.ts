import { z } from 'zod'
import { mayBePlain } from '../ai/providers/address-scope.ts'
import { isHostName, isNetwork, isOrigin } from '../http/settings.ts'
import { QuillworkError, taskStatuses } from '../index.ts'
import { isBrokerAddress, isStoreAddress } from './addresses.ts'
import { identitySettings } from './identity-settings.ts'
import { type EnvironmentKeys, modelsSchema, shortModel } from './models-setting.ts'
import {
  atLeastOne,
  brokerSecrets,
  duration,
  laneName,
  limit,
  longer,
  portNumber,
  size,
  slots,
  text,
} from './setting-values.ts'
import { webhookHosts } from './webhook-hosts.ts'

/** How a value is written as text, in the environment and on the command line. */
export type SettingKind = 'text' | 'count' | 'duration' | 'size' | 'switch' | 'list' | 'slots' | 'json'

/** One setting: what it means, where it may be set, and its valid values. */
export interface Setting {
  /** Default `text`. */
  readonly kind?: SettingKind
  /** What it does, its unit and its danger, for the reference. */
  readonly about: string
  /** The default, as the file would hold it. Absent: not set. */
  readonly fallback?: unknown
  readonly schema: z.ZodType
  /** Option of the command line; default none. */
  readonly flag?: string
  /** Never shown, and never a flag: the list of processes shows flags to every user. */
  readonly isSecret?: boolean
  /** May hold a secret by mistake: errors never repeat the value. */
  readonly isDelicate?: boolean
  /** An address that may hold a password: shown without it, and never repeated in an error. */
  readonly isAddress?: boolean
  /** Cannot be set in the configuration file, which is in the data directory. */
  readonly notInFile?: boolean
}

/** Returns the error for a configuration that is not valid. */
export function invalid(message: string, cause?: unknown): QuillworkError {
  return new QuillworkError('CONFIG_INVALID', message, { cause })
}

/** What a process of the server does: serve HTTP, run tasks, maintenance (sweep, schedules, clean-up). */
export const roles = ['api', 'worker', 'maintenance'] as const

/** Levels of the log, the most detailed first. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

/** Default of the data directory, in the working directory. */
export const defaultData = '.quillwork'

/** Every setting. The order is that of the reference. */
export const settings = {
  data: {
    about:
      'The data directory: the database, uploaded files, the optional `quillwork.json`. Created when missing. One process owns the database ' +
      'in it at a time, and commands find the server through it. It must be on a local disk. With a MongoDB store it holds nothing permanent.',
    fallback: defaultData,
    schema: text,
    flag: '--data',
    notInFile: true,
  },
  allowOpenData: {
    kind: 'switch',
    about:
      'Use the data directory as it is, whoever owns it and whoever can read it: for volumes that keep no owners and modes. Otherwise it is ' +
      'closed to other users, with all that is in it, and refused where that cannot be; see [operations.md](operations.md#who-can-read-the-data).',
    fallback: false,
    schema: z.boolean('Give true or false.'),
    flag: '--allow-open-data',
    notInFile: true,
  },
  store: {
    about:
      'Where tasks and novels are stored: `sqlite:FILE`, or `mongodb://…` (`mongodb+srv://…`) of a replica set, which any number of processes ' +
      'share and which needs `broker` too. Default: `quillwork.db` in the data directory. Set an address with a password in the environment ' +
      'or the file: every user of the machine can read the options of a process.',
    schema: text
      .refine(
        isStoreAddress,
        'Give sqlite:FILE, or mongodb://HOST:PORT/?replicaSet=NAME, or mongodb+srv://HOST.',
      )
      .optional(),
    flag: '--store',
    isAddress: true,
  },
  database: {
    about: 'The MongoDB database. Default: the one that the address names, else `quillwork`.',
    schema: z
      .string()
      .regex(/^[^\s/\\."$*<>:|?]{1,63}$/, 'Give the name of a MongoDB database.')
      .optional(),
  },
  broker: {
    about:
      'The broker that wakes workers: `amqp://…` or `amqps://…` of RabbitMQ; for a cluster several, separated by commas. Default: none, workers ' +
      'are woken within the process, which is enough for an SQLite store.',
    schema: text
      .refine(isBrokerAddress, 'Give amqp://HOST:PORT or amqps://HOST:PORT; several are separated by commas.')
      .optional(),
    flag: '--broker',
    isAddress: true,
  },
  brokerSecret: {
    kind: 'list',
    about:
      'Secrets, of at least 32 characters, that all processes of the installation share. What they send each other through the broker is signed ' +
      'with the first, and dropped unless one of them signed it. Two at a time let another one be given to process after process; ' +
      '`unsigned` as the last accepts unsigned messages too, for as long as some processes have no secret. Default: nothing is signed.',
    schema: brokerSecrets.optional(),
    isSecret: true,
  },
  brokerPrefix: {
    about:
      'Prefix of the names of exchanges and queues, so that several installations can share a virtual host.',
    fallback: '',
    schema: z.string().regex(/^[\w.-]{0,60}$/, "Give up to 60 letters, digits, '_', '-' or '.'."),
  },
  brokerDelay: {
    about:
      'How the broker delays a delivery: by `wait-queues`, by the `delayed-exchange` of the plugin, or `auto`: by the plugin where the broker ' +
      'has it.',
    fallback: 'wait-queues',
    schema: z.enum(
      ['auto', 'wait-queues', 'delayed-exchange'],
      'Give one of auto, wait-queues, delayed-exchange.',
    ),
  },
  eventsStream: {
    kind: 'switch',
    about:
      'Whether the broker also keeps the events in the stream `tasks.events.stream`, for consumers that read them later or again.',
    fallback: false,
    schema: z.boolean('Give true or false.'),
  },
  roles: {
    kind: 'list',
    about:
      'What this process does: `api` serves HTTP, `worker` runs tasks, `maintenance` sweeps, runs schedules and deletes what has expired. ' +
      'With an SQLite store one process does all of this.',
    fallback: [...roles],
    schema: z
      .array(z.enum(roles, `Give some of ${roles.join(', ')}.`))
      .min(1, `Give some of ${roles.join(', ')}.`)
      .transform(given => roles.filter(role => given.includes(role))),
    flag: '--roles',
  },
  port: {
    kind: 'count',
    about: 'The TCP port to listen on. 0 = any free port; the line `listening on …` names it.',
    fallback: 7420,
    schema: portNumber,
    flag: '--port',
  },
  host: {
    about:
      'The address to listen on. Any address but the loopback lets the network in, so it needs `token` or `oidc`. There is no TLS: put a proxy in front, ' +
      'and name it in `trustedProxies`.',
    fallback: '127.0.0.1',
    schema: text,
    flag: '--host',
  },
  ...identitySettings,
  healthPort: {
    kind: 'count',
    about:
      'A second port, only for `/healthz`, `/readyz` and `/metrics`. Processes without the role `api` have no other port. 0 = any free port. ' +
      'Default: none.',
    schema: portNumber.optional(),
    flag: '--health-port',
  },
  url: {
    about:
      'The API that commands use, such as `https://tasks.example`; `http://` only for this machine and private networks. Default: the server that ' +
      'runs on the data directory. `serve` ignores it.',
    schema: z
      .url({ protocol: /^https?$/, error: 'Give an address such as http://127.0.0.1:7420.' })
      .refine(
        url => !URL.canParse(url) || /^https:/i.test(url) || mayBePlain(new URL(url).hostname),
        'http:// sends the token and the texts unencrypted, so it is for private addresses alone. Use https://.',
      )
      .transform(url => url.replace(/\/+$/, ''))
      .optional(),
    flag: '--url',
    isAddress: true,
  },
  allowedHosts: {
    kind: 'list',
    about:
      'Names, without port, that the `Host` header may hold beside the loopback and `host`. With a `token` or `oidc` that is set and no names: any. Probes of `/healthz` and `/readyz` have to name one too.',
    fallback: [],
    schema: z.array(text.refine(isHostName, 'Give names, such as studio.example, without a port.')),
  },
  allowedOrigins: {
    kind: 'list',
    about:
      'Origins, such as `https://studio.example` and `tauri://localhost`, whose pages may read and change data (CORS), with the token where there is one. Default: only that of the server.',
    fallback: [],
    schema: z.array(text.refine(isOrigin, 'Give origins, such as https://studio.example, without a path.')),
  },
  trustedProxies: {
    kind: 'list',
    about:
      'Addresses and networks, such as `10.0.0.0/8`, of the proxies in front. Their `X-Forwarded-For` names the client; that of any other ' +
      'sender is ignored. Without it, all clients behind a proxy count as one address, and share its `streamsPerClient` and ' +
      'its 100 connections. The proxy must set the header, or append to it, and pass `Host` on unchanged.',
    fallback: [],
    schema: z.array(text.refine(isNetwork, 'Give addresses, or networks such as 10.0.0.0/8.')),
    flag: '--trusted-proxies',
  },
  streams: {
    kind: 'count',
    about: 'Most event streams and output streams that this process has open. One more is refused.',
    fallback: 500,
    schema: atLeastOne,
    flag: '--streams',
  },
  streamsPerClient: {
    kind: 'count',
    about: 'Most streams of one client address.',
    fallback: 24,
    schema: atLeastOne,
    flag: '--streams-per-client',
  },
  uploadLimit: {
    kind: 'size',
    about: 'The largest file that may be uploaded.',
    fallback: '500MB',
    schema: size,
  },
  originals: {
    kind: 'duration',
    about:
      'How long an uploaded file is kept from the confirmation of its import on, and longer while the import is live, so that the import can be ' +
      'retried. Then it is deleted. The novel has the text.',
    fallback: '1d',
    schema: duration,
  },
  lanes: {
    kind: 'slots',
    about:
      'Worker slots per lane: how many of its tasks this process runs at the same time. Lanes of task types that are absent here have 10. ' +
      'Where several processes share the tasks, 0 leaves a lane to the others.',
    fallback: { default: { slots: 10 }, batch: { slots: 4 } },
    schema: z.record(laneName, z.strictObject({ slots })),
    flag: '--lanes',
  },
  limits: {
    kind: 'json',
    about:
      'Rate limits by key, such as `"provider:account:model": {"requestsPerMinute": 60, "tokensPerMinute": 90000, "concurrency": 4}`.',
    fallback: {},
    schema: z.record(z.string().min(1), limit),
  },
  model: {
    about:
      'The short form for one language model for prose and summaries: `openai:NAME`, `anthropic:NAME` or `google:NAME` with the key in ' +
      '`OPENAI_API_KEY`, `ANTHROPIC_API_KEY` or `GOOGLE_GENERATIVE_AI_API_KEY`; or `NAME@http://HOST:PORT/v1` for any OpenAI-compatible ' +
      'server, with its key, if it needs one, in `QUILLWORK_MODEL_KEY`. Its id is `default`. For anything else, use `models`.',
    schema: shortModel.optional(),
    isDelicate: true,
  },
  models: {
    kind: 'json',
    about:
      'The language and embedding models by id, in the order of preference: the first one for a use is the default for tasks that name none. ' +
      '[models.md](models.md) lists the fields. Never write a key here: use `"key": "env:VARIABLE"` or `"key": "stored:NAME"`.',
    fallback: {},
    schema: modelsSchema,
    isDelicate: true,
  },
  keepModels: {
    kind: 'switch',
    about:
      'Whether users may set up models on the settings page and over the API. These are kept in the store; one of `models` with the same id ' +
      'wins. Turn it off where users share a server whose addresses and costs are not theirs to choose.',
    fallback: true,
    schema: z.boolean('Give true or false.'),
  },
  prompts: {
    about:
      'A folder with prompts that replace the built-in ones, file by file; see [writing-tasks.md](writing-tasks.md). They are read when the ' +
      'server starts, and an invalid one prevents the start. Default: the built-in prompts.',
    schema: text.optional(),
  },
  secret: {
    about:
      'The secret that encrypts the keys which `quillwork models key set` stores in the data directory, and those of models that are set up while the ' +
      'server runs; at least 16 characters. Models with `"key": "stored:…"` need it, and processes that share a store. Otherwise the latter are encrypted ' +
      'with the key in the file `model-keys.json` of the data directory.',
    schema: text.min(16, 'It is shorter than 16 characters; use a long random one.').optional(),
    isSecret: true,
    notInFile: true,
  },
  admission: {
    kind: 'json',
    about:
      'How many tasks may wait: `perUser`, `perLane`, or both. Those count too that wait for a person or a time. A submission above that is refused with USER_QUEUE_FULL or LANE_QUEUE_FULL. ' +
      'Default: as many as the disk holds.',
    fallback: {},
    schema: z.strictObject({ perUser: atLeastOne.optional(), perLane: atLeastOne.optional() }),
  },
  retention: {
    kind: 'json',
    about:
      'How long ended tasks are kept with their sub-tasks, by the status of the root. Tasks with a status that is absent here are kept ' +
      'indefinitely. Novels are not deleted.',
    fallback: { COMPLETED: '30d', COMPLETED_WITH_ERRORS: '30d', CANCELLED: '30d' },
    schema: z.partialRecord(z.enum(taskStatuses), duration),
  },
  usageRetention: {
    kind: 'json',
    about:
      'How long the usage of models is kept. `calls`: each model call. Then the calls of completed tasks become one sum per day (UTC), user, ' +
      'subject and model, and sums by task no longer have them; a longer time brings none of them back. `days`: these sums. Then they are deleted.',
    fallback: { calls: '30d', days: '1095d' },
    schema: z.strictObject({ calls: duration.optional(), days: duration.optional() }),
  },
  webhookHosts,
  auditRetention: {
    kind: 'duration',
    about: 'How long the audit trail is kept. Take it along before, with `quillwork audit export`.',
    fallback: '90d',
    schema: duration,
  },
  lease: {
    kind: 'duration',
    about: 'How long a claim of a task lasts without a heartbeat. Workers send them for running attempts.',
    fallback: '30s',
    schema: longer,
  },
  sweepInterval: {
    kind: 'duration',
    about: 'How often the server looks for expired leases, passed deadlines and tasks to delete.',
    fallback: '5s',
    schema: longer,
  },
  grace: {
    kind: 'duration',
    about:
      'How long running attempts may continue when the server stops. Then they are released, and the next start runs them without spending a retry.',
    fallback: '30s',
    schema: duration,
    flag: '--grace',
  },
  abortGrace: {
    kind: 'duration',
    about: 'How long a handler may go on after its signal has fired. Then its attempt ends without it.',
    fallback: '10s',
    schema: duration,
  },
  cleanup: {
    kind: 'duration',
    about: 'How often the server deletes expired uploads and exports, drafts of ended imports, and old bins.',
    fallback: '10m',
    schema: longer,
  },
  keepSummaries: {
    kind: 'json',
    about:
      'Brings the summaries of novels up to date in the background: `after` so long without a change of a novel on which no task works, such as ' +
      '`{"after": "10m"}`, by UpdateSummaries with `model` (`extractive` costs nothing; default: the first model for summaries) and at most `tokens` for ' +
      'each update. Looked for as often as `cleanup` says. Default: only when somebody asks.',
    schema: z
      .strictObject({ after: duration, model: text.optional(), tokens: atLeastOne.optional() })
      .optional(),
  },
  logLevel: {
    about: `Least level that is logged to standard error: ${logLevels.map(level => `\`${level}\``).join(', ')}.`,
    fallback: 'info',
    schema: z.enum(logLevels, `Give one of ${logLevels.join(', ')}.`),
    flag: '--log-level',
  },
  logFormat: {
    about: '`plain` lines for people, `json` lines for machines; `auto` is plain on a terminal.',
    fallback: 'auto',
    schema: z.enum(['auto', 'plain', 'json'], 'Give one of auto, plain, json.'),
  },
} as const satisfies Readonly<Record<string, Setting>>

/** Name of a setting, as in the file. */
export type SettingName = keyof typeof settings

/** The configuration: every setting, checked and frozen. Durations are milliseconds, sizes bytes, paths absolute. */
export type Config = {
  readonly [Name in SettingName]: z.output<(typeof settings)[Name]['schema']>
} & {
  /** The keys in the variables that `models` names. */
  readonly environmentKeys: EnvironmentKeys
}

/** All names, in the order of the reference. */
export const settingNames = Object.keys(settings) as SettingName[]

/** Former names of settings, with the names that they have now. Nothing takes a former name; the error says the new one. */
export const renamedSettings: ReadonlyMap<string, SettingName> = new Map([
  ['obey', 'abortGrace'],
  ['sweep', 'sweepInterval'],
  ['waiting', 'admission'],
])

/** Returns the variable of the environment for a setting: `QUILLWORK_UPLOAD_LIMIT` for `uploadLimit`. */
export function variableOf(name: string): string {
  return `QUILLWORK_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

/** Returns the variable that names a file which holds the setting: for secrets, and for addresses, which may hold one. Undefined for others. */
export function fileVariableOf(name: SettingName): string | undefined {
  const { isSecret = false, isAddress = false }: Setting = settings[name]
  return isSecret || isAddress ? `${variableOf(name)}_FILE` : undefined
}
