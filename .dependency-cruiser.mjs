// Who may import whom. Imports point inward:
//   task, runtime <- ports <- engine <- index <- {novel, observe, webhooks} <- http <- server <- cli
//   ports <- records <- {novel, webhooks}
// Adapters (a folder under store/ or broker/) see their own port, task and runtime. testing sees what is below http.
// Of the pages, each folder of `below` sees those before it and itself; a page sees all of them, and no other page; `app` sees everything.
// Read by scripts/boundaries.mjs, which also fails when a source was not looked at.

const core = ['^src/task/', '^src/runtime/']
const ports = [
  '^src/store/store\\.ts$',
  '^src/broker/(broker|messages|message-schemas|cloud-events)\\.ts$',
  '^src/rate-limit/limiter\\.ts$',
  '^src/ai/model\\.ts$',
]
const adapters = '^src/(store|broker)/[^/]+/'
const entries = '^src/(index|(store/[^/]+|broker/[^/]+|novel|http|client|observe|testing)/index)\\.ts$'

/** Files under `from` may import, within src, only what `allowed` names. `$1` is the first group of `from`. */
const layer = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: allowed },
})

/** `packages` (a pattern) may be imported only under these folders. */
const only = (packages, folders) => ({
  name: `only-${folders.map(folder => folder.replaceAll('/', '-')).join('-or-')}`,
  comment: `${packages} is imported only under ${folders.join(', ')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: folders.map(folder => `^src/${folder}/`) },
  to: { path: `node_modules/(@types/)?(${packages})/` },
})

const layers = [
  layer('task-sees-itself', '^src/task/', ['^src/task/']),
  layer('runtime-sees-itself', '^src/runtime/(?!installed)', ['^src/runtime/']),
  // It says what is missing with a coded error.
  layer('runtime-sees-itself', '^src/runtime/installed\\.ts$', ['^src/task/errors\\.ts$']),
  layer('ports-see-the-core', '^src/store/[^/]+\\.ts$', [
    ...core,
    ...ports,
    '^src/store/[^/]+\\.ts$',
    // What is off the hot path is records.
    '^src/records/records\\.ts$',
  ]),
  // A broker carries the store's deliveries, so its port and its adapters know the store's port.
  layer('ports-see-the-core', '^src/broker/[^/]+\\.ts$', [...core, ...ports]),
  layer('ports-see-the-core', '^src/rate-limit/', [...core, '^src/rate-limit/']),
  layer('ports-see-the-core', '^src/ai/', [...core, ...ports, '^src/ai/']),
  layer('adapters-see-their-port', '^src/store/([^/]+)/', [
    ...core,
    '^src/store/[^/]+\\.ts$',
    '^src/store/$1/',
    '^src/records/(records|$1)\\.ts$',
  ]),
  layer('adapters-see-their-port', '^src/broker/([^/]+)/', [...core, ...ports, '^src/broker/$1/']),
  // The parts that an engine has unless it is given others load no driver, so it makes them itself.
  layer('engine-sees-ports', '^src/engine/', [
    ...core,
    ...ports,
    '^src/engine/',
    '^src/broker/memory/',
    '^src/rate-limit/local\\.ts$',
  ]),
  layer('index-sees-the-engine', '^src/index\\.ts$', [
    ...core,
    ...ports,
    '^src/engine/',
    '^src/broker/memory/',
    // For programs on MongoDB.
    '^src/rate-limit/shared\\.ts$',
  ]),
  // Records are kept in the store's database; their port knows nothing of it.
  layer('records-see-the-core', '^src/records/(records|copy)\\.ts$', [
    ...core,
    '^src/records/(records|copy)\\.ts$',
  ]),
  layer('records-share-the-database', '^src/records/(sqlite|mongodb)\\.ts$', [
    ...core,
    '^src/records/records\\.ts$',
    '^src/store/$1/',
  ]),
  // novel/ proves the public API: it has no other way to the engine. It keeps records, and opens them in the store's database.
  layer('novel-sees-the-index', '^src/novel/(?!uploads/[^/]+/|library/open\\.ts|earlier-library/)', [
    '^src/index\\.ts$',
    '^src/novel/',
    '^src/records/records\\.ts$',
    '^src/ai/',
    '^src/rate-limit/limiter\\.ts$',
    // Long loops of the product give way to the event loop as the engine's do, readings that clients wait for are shared; optional fields, and the
    // controls of names, are left out in one way. An archive says what made it.
    '^src/runtime/(cooperate|installed|shared-work|version)\\.ts$',
    '^src/task/(controls|defined|page)\\.ts$',
  ]),
  layer('novel-sees-the-index', '^src/novel/(?:library/open\\.ts|earlier-library/)', [
    '^src/novel/',
    '^src/records/',
    '^src/store/(sqlite|mongodb)/(database|file)\\.ts$',
  ]),
  layer('novel-sees-the-index', '^src/novel/uploads/([^/]+)/', [
    '^src/index\\.ts$',
    '^src/novel/',
    '^src/store/$1/',
    // A file is durable in one way, of whichever part it is.
    '^src/runtime/sync-folder\\.ts$',
  ]),
  // Webhooks follow tasks through the public API. What they send is an event of the broker; where it may lead is the rule of models.
  layer('webhooks-see-the-index', '^src/webhooks/(?!open\\.ts)', [
    '^src/index\\.ts$',
    '^src/webhooks/',
    '^src/records/records\\.ts$',
    '^src/ai/providers/address-scope\\.ts$',
    '^src/broker/cloud-events\\.ts$',
    '^src/store/store\\.ts$',
    ...core,
  ]),
  layer('webhooks-see-the-index', '^src/webhooks/open\\.ts', [
    '^src/webhooks/',
    '^src/records/',
    '^src/store/(sqlite|mongodb)/database\\.ts$',
  ]),
  layer('observe-sees-the-index', '^src/observe/', [...core, ...ports, '^src/index\\.ts$', '^src/observe/']),
  {
    ...layer('http-sees-no-adapter', '^src/http/', []),
    to: { path: ['^src/(server|cli|testing)/', adapters] },
  },
  { ...layer('server-sees-no-cli', '^src/server/', []), to: { path: '^src/(cli|testing)/' } },
  { ...layer('cli-sees-no-testing', '^src/cli/', []), to: { path: '^src/testing/' } },
  // It runs in browsers too: it knows the server by its document alone.
  layer('client-stands-alone', '^src/client/', ['^src/client/']),
  { ...layer('nothing-sees-the-client', '^src/(?!client/)', []), to: { path: '^src/client/' } },
  { ...layer('testing-is-below-http', '^src/testing/', []), to: { path: '^src/(http|server|cli)/' } },
]

/** Folders of `dashboard/src` that pages are made of, from the lowest up. */
const below = ['browser', 'api', 'text', 'live', 'queries', 'parts']
const inPages = '^dashboard/src/'

const pages = [
  ...below.map((folder, at) => ({
    name: `pages-${folder}-sees-what-is-below`,
    severity: 'error',
    from: { path: `${inPages}${folder}/` },
    to: { path: inPages, pathNot: below.slice(0, at + 1).map(each => `${inPages}${each}/`) },
  })),
  {
    name: 'a-page-sees-no-other',
    severity: 'error',
    from: { path: `${inPages}(?!(?:${below.join('|')}|app)/)([^/]+)/` },
    to: { path: inPages, pathNot: [...below.map(each => `${inPages}${each}/`), `${inPages}$1/`] },
  },
]

const packages = [
  only('better-sqlite3', ['store/sqlite', 'records']),
  only('amqplib', ['broker/rabbitmq']),
  only('fastify|@fastify/[^/]+|fastify-type-provider-zod', ['http', 'server']),
  only('openapi-fetch', ['client']),
  only('commander|string-width|eventsource-parser', ['cli']),
  only('prom-client', ['observe', 'http', 'server']),
  only('@opentelemetry/api', ['observe']),
  only('pino', ['observe', 'http', 'server', 'cli']),
  only('yauzl|saxes|htmlparser2', ['novel/import']),
  only('yazl', ['novel/export']),
  only('ai|@ai-sdk/[^/]+|undici', ['ai/providers']),
  only('jose', ['http/oidc']),
]

export default {
  forbidden: [
    ...layers,
    ...pages,
    ...packages,
    { name: 'no-cycle', comment: 'type imports count', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '(^|/)dist/' } },
    {
      name: 'task-is-pure',
      comment: 'no I/O, no clock, no driver: of packages only the type of a schema, of Node only its hashes',
      severity: 'error',
      from: { path: '^src/task/' },
      to: { pathNot: ['^src/', 'node_modules/@standard-schema/spec/', '^crypto$'] },
    },
    {
      name: 'core-has-no-schema-library',
      comment: 'users bring any Standard Schema; zod is our choice, not theirs',
      severity: 'error',
      from: { path: ['^src/(runtime|engine|store|broker|rate-limit)/', '^src/index\\.ts$'] },
      to: { path: 'node_modules/zod/' },
    },
    {
      name: 'index-loads-no-driver',
      comment: 'drivers and the web framework load with their composition only',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: {
        path: 'node_modules/(better-sqlite3|amqplib|fastify|zod|pino|prom-client|@opentelemetry/api)/',
        reachable: true,
      },
    },
    {
      name: 'models-load-with-their-first-call',
      comment:
        'a server without models pays nothing for the SDK: types aside, it is imported where a call is made',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: 'node_modules/(ai|@ai-sdk/[^/]+|undici)/',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'tokens-load-with-their-provider',
      comment:
        'a server without an identity provider pays nothing for it: types aside, it is imported where a token is read',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: 'node_modules/jose/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'client-runs-in-browsers',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'src-uses-no-dev-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|bench|scripts|dist)/' },
    },
    {
      name: 'examples-use-the-public-entries',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^src/', pathNot: entries },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    exclude: { path: '^bench/peers/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
