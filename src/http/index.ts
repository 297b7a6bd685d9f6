/** The HTTP API of an engine: `createApp({ engine })`, then `listen`. */
export { type AppOptions, createApp, createHealthListener } from './app.ts'
export { assertSafeToListen, isLoopback } from './auth.ts'
export type { Readiness } from './routes/health.ts'
export type { OutputJson } from './routes/output.ts'
export type { BudgetUseJson } from './schemas/budget.ts'
export type { Problem } from './schemas/problem.ts'
export type { TaskJson } from './schemas/task.ts'
export { type HttpOptions, type HttpSettings, resolveHttpSettings } from './settings.ts'
