/** The HTTP API of an engine: `createApp({ engine })`, then `listen`. */
export { type AppOptions, createApp } from './app.ts'
export { assertSafeToListen, isLoopback } from './auth.ts'
export { createHealthListener } from './health-listener.ts'
export type { Readiness } from './readiness.ts'
export type { Problem } from './schemas/problem.ts'
export type { TaskJson } from './schemas/task.ts'
export { type HttpOptions, type HttpSettings, resolveHttpSettings } from './settings.ts'
