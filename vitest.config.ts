import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'
import { memoryFolder } from './test/memory-folder.ts'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

const entries = [
  { find: /^quillwork$/, replacement: source('index.ts') },
  { find: /^quillwork\/(sqlite|mongodb)$/, replacement: source('store/$1/index.ts') },
  { find: /^quillwork\/rabbitmq$/, replacement: source('broker/rabbitmq/index.ts') },
  { find: /^quillwork\/(novel|http|client)$/, replacement: source('$1/index.ts') },
  { find: /^quillwork\/opentelemetry$/, replacement: source('observe/index.ts') },
]

/** Folders of tests within one process, which compute more than they wait. */
const units = [
  'ai',
  'cli',
  'client',
  'engine',
  'http',
  'novel',
  'rate-limit',
  'records',
  'runtime',
  'server',
  'store',
  'task',
  'webhooks',
].map(folder => `test/${folder}/**/*.test.ts`)
const alias = [...entries, { find: 'quillwork/testing', replacement: source('testing/index.ts') }]

/** Whether this is `npm test`; see `test/size.ts`. */
const isQuick = process.env['TEST_SIZE'] === undefined

// Where tests and the servers that they start make their temporary folders. The slow run has the disk.
const temporary = isQuick ? memoryFolder() : undefined
if (temporary !== undefined) process.env['TMPDIR'] ??= temporary

/** Long by nature: `npm run test:slow` alone runs these files. */
const slowFiles = 'test/**/*.slow.test.ts'

/** Files in two sizes, which ask `test/size.ts`: small in `npm test`, whole in `npm run test:slow`. */
function inTwoSizes(): string[] {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).map(name => `test/${name}`)
  return files
    .filter(name => name.endsWith('.test.ts'))
    .filter(name => /from '[./]+\/(size|row|compositions)\.ts'/.test(readFileSync(name, 'utf8')))
}

/**
 * Tests of the engine once more on MongoDB, which their test kit brings. What needs hours of the manual clock, each second of which asks the
 * database, runs on SQLite alone.
 */
function onMongo(names: readonly string[]): TestProjectInlineConfiguration {
  const kit = fileURLToPath(new URL('./test/engine/on-mongodb.ts', import.meta.url))
  return {
    extends: true,
    resolve: { alias: [...entries, { find: 'quillwork/testing', replacement: kit }] },
    test: {
      name: 'mongodb',
      include: names.map(name => `test/engine/${name}.test.ts`),
      env: { QUILLWORK_TEST_STORE: 'mongodb' },
      isolate: false,
    },
  }
}

/** Measure the memory of their process: each has one for itself. */
const measured = [
  'test/novel/archive/memory.slow.test.ts',
  'test/novel/export/memory.slow.test.ts',
  'test/novel/library/long-book.slow.test.ts',
  'test/novel/library/long-snapshots.slow.test.ts',
  'test/novel/import/memory.slow.test.ts',
]

/** What `npm run test:slow` runs. */
const slow = (): TestProjectInlineConfiguration[] => [
  {
    extends: true,
    resolve: { alias },
    test: { name: 'slow', include: [slowFiles, ...inTwoSizes()], exclude: measured, isolate: false },
  },
  {
    extends: true,
    resolve: { alias },
    test: { name: 'measured', include: measured },
  },
  onMongo(['cancel', 'events', 'handle']),
]

/** Register what is global in their process: each has one for itself. All others share theirs, which saves a third of their time. */
const alone = ['test/observe/trace-models.test.ts', 'test/observe/tracing.test.ts']

/** What `npm test` runs. */
const quick: readonly TestProjectInlineConfiguration[] = [
  {
    extends: true,
    resolve: { alias },
    test: { name: 'alone', include: alone },
  },
  {
    extends: true,
    resolve: { alias },
    test: { name: 'units', include: units, exclude: [slowFiles, ...alone], isolate: false },
  },
  {
    extends: true,
    resolve: { alias },
    test: {
      name: 'main',
      include: ['test/**/*.test.ts'],
      exclude: [slowFiles, ...units, ...alone, 'test/types/**'],
      isolate: false,
    },
  },
  {
    extends: true,
    resolve: { alias },
    test: {
      name: 'types',
      include: [],
      typecheck: {
        enabled: true,
        only: true,
        include: ['test/types/**/*.test-d.ts'],
        tsconfig: 'test/types/tsconfig.json',
      },
    },
  },
  // Those of promises; the slow run has the others.
  onMongo([
    'budgets',
    'bulk-action',
    'context',
    'dead-letters',
    'erase',
    'explicit-retry',
    'repeat-steps',
    'hostile-errors',
    'lanes',
    'limits',
    'output',
    'restart',
    'scheduled-for',
    'sub-tasks',
    'submit-many',
    'waits',
    'successors',
  ]),
]

export default defineConfig({
  test: {
    projects: isQuick ? [...quick] : slow(),
    globalSetup: ['test/servers/shared.ts'],
    environment: 'node',
    pool: 'forks',
    // The built package is loaded as its users load it.
    server: { deps: { external: [/\/dist\//] } },
    // Three on two processors: tests of whole processes wait more than they compute. Those of the slow run measure by seconds.
    maxWorkers: isQuick ? 3 : 2,
    sequence: { sequencer: LongestFirst },
    // They are there for what hangs; a busy machine may take long.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    slowTestThreshold: 5_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
