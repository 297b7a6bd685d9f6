import type { ApiContext, App } from '../context.ts'
import { addBudgetRoutes } from './budget.ts'
import { addCapabilityRoutes } from './capabilities.ts'
import { addDeadLetterRoutes } from './dead-letters.ts'
import { addEstimateRoutes } from './estimates.ts'
import { addEventRoutes } from './events.ts'
import { addHealthRoutes } from './health.ts'
import { addLaneRoutes } from './lanes.ts'
import { addNovelRoutes } from './novels.ts'
import { addOutputRoutes } from './output.ts'
import { addSampleRoutes } from './samples.ts'
import { addSceneRoutes } from './scenes.ts'
import { addTaskActionRoutes } from './task-actions.ts'
import { addTaskDetailRoutes } from './task-details.ts'
import { addTaskRoutes } from './tasks.ts'
import { addUploadRoutes } from './uploads.ts'
import { addUsageRoutes } from './usage.ts'
import { addWorkerRoutes } from './workers.ts'

/** Adds all routes, by resource. */
export function addRoutes(app: App, context: ApiContext): void {
  addTaskRoutes(app, context)
  addTaskDetailRoutes(app, context)
  addTaskActionRoutes(app, context)
  addUsageRoutes(app, context)
  addBudgetRoutes(app, context)
  addEventRoutes(app, context)
  addOutputRoutes(app, context)
  addDeadLetterRoutes(app, context)
  addLaneRoutes(app, context)
  addWorkerRoutes(app, context)
  addCapabilityRoutes(app, context)
  addHealthRoutes(app, context)
  if (context.novels === undefined) return
  const novels = { ...context, novels: context.novels }
  addEstimateRoutes(app, novels)
  addUploadRoutes(app, novels)
  addSampleRoutes(app, novels)
  addNovelRoutes(app, novels)
  addSceneRoutes(app, novels)
}
