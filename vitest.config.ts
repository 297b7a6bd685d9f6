import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

const entries = [
  { find: /^quillwork$/, replacement: source('index.ts') },
  { find: /^quillwork\/(sqlite|mongodb)$/, replacement: source('store/$1/index.ts') },
  { find: /^quillwork\/rabbitmq$/, replacement: source('broker/rabbitmq/index.ts') },
  { find: /^quillwork\/(novel|http)$/, replacement: source('$1/index.ts') },
  { find: /^quillwork\/opentelemetry$/, replacement: source('observe/index.ts') },
]

/** The tests of the engine run a second time on another store, which their test kit brings. */
const engineOnMongo = fileURLToPath(new URL('./test/engine/on-mongodb.ts', import.meta.url))

/** Folders whose files change nothing of their process: they share one, which saves a third of their time. */
const together = [
  'ai',
  'cli',
  'engine',
  'http',
  'novel',
  'rate-limit',
  'records',
  'runtime',
  'server',
  'store',
  'task',
].map(folder => `test/${folder}/**/*.test.ts`)
const alias = [...entries, { find: 'quillwork/testing', replacement: source('testing/index.ts') }]

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        resolve: { alias },
        test: { name: 'units', include: together, isolate: false },
      },
      {
        extends: true,
        resolve: { alias },
        test: {
          name: 'main',
          // These measure by seconds, with processes and a browser of their own: where others use the machine too, one that failed is run
          // once more, and said to be.
          retry: process.env['CI'] === 'true' ? 1 : 0,
          include: ['test/**/*.test.ts'],
          exclude: together,
          typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: 'tsconfig.json' },
        },
      },
      {
        extends: true,
        resolve: { alias: [...entries, { find: 'quillwork/testing', replacement: engineOnMongo }] },
        test: {
          name: 'mongodb',
          // What needs hours of the manual clock, each second of which asks the database, runs on SQLite alone.
          include: [
            'budgets',
            'cancel',
            'context',
            'dead-letters',
            'events',
            'explicit-retry',
            'handle',
            'lanes',
            'limits',
            'output',
            'restart',
            'sub-tasks',
          ].map(name => `test/engine/${name}.test.ts`),
          env: { QUILLWORK_TEST_STORE: 'mongodb' },
        },
      },
    ],
    globalSetup: ['test/servers/shared.ts'],
    environment: 'node',
    pool: 'forks',
    // With more, processes of tests that measure by seconds wait for each other.
    maxWorkers: 2,
    // They are there for what hangs; a busy machine may take long.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
