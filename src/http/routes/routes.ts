import type { FastifyInstance } from 'fastify'
import type { AddRoute, ApiContext, NovelContext } from '../route.ts'
import { additionRoutes } from './additions.ts'
import { auditRoutes } from './audit.ts'
import { backupRoutes } from './backup.ts'
import { budgetRoutes } from './budget.ts'
import { bulkActionRoutes } from './bulk-actions.ts'
import { candidateRoutes } from './candidates.ts'
import { addCapabilities } from './capabilities.ts'
import { codexRoutes } from './codex.ts'
import { codexFindingRoutes } from './codex-findings.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { estimateRoutes } from './estimates.ts'
import { eventRoutes } from './events.ts'
import { exportRoutes } from './exports.ts'
import { healthRoutes } from './health.ts'
import { identityRoutes } from './identities.ts'
import { laneRoutes } from './lanes.ts'
import { limitRoutes } from './limits.ts'
import { modelRoutes } from './models.ts'
import { novelRoutes } from './novels.ts'
import { outputRoutes } from './output.ts'
import { overviewRoutes } from './overview.ts'
import { promptRoutes } from './prompts.ts'
import { sampleRoutes } from './samples.ts'
import { sceneRoutes } from './scenes.ts'
import { scheduleRoutes } from './schedules.ts'
import { shapeRoutes } from './shape.ts'
import { snapshotRoutes } from './snapshots.ts'
import { styleRoutes } from './style.ts'
import { summaryRoutes } from './summaries.ts'
import { taskActionRoutes } from './task-actions.ts'
import { taskDetailRoutes } from './task-details.ts'
import { taskSearchRoutes } from './task-search.ts'
import { taskTraceRoutes } from './task-trace.ts'
import { taskRoutes } from './tasks.ts'
import { threadRoutes } from './threads.ts'
import { uploadRoutes } from './uploads.ts'
import { usageRoutes } from './usage.ts'
import { userRoutes } from './users.ts'
import { webhookRoutes } from './webhooks.ts'
import { workerRoutes } from './workers.ts'

const routes: readonly AddRoute[] = [
  ...taskRoutes,
  ...taskSearchRoutes,
  ...taskDetailRoutes,
  ...taskTraceRoutes,
  ...taskActionRoutes,
  ...usageRoutes,
  ...budgetRoutes,
  ...eventRoutes,
  ...outputRoutes,
  ...deadLetterRoutes,
  ...bulkActionRoutes,
  ...overviewRoutes,
  ...laneRoutes,
  ...scheduleRoutes,
  ...limitRoutes,
  ...workerRoutes,
  ...identityRoutes,
  ...auditRoutes,
  ...backupRoutes,
  addCapabilities,
  ...modelRoutes,
  ...webhookRoutes,
  ...healthRoutes,
]

/** The routes of a server with a library of novels. */
const withNovels: readonly AddRoute<NovelContext>[] = [
  ...estimateRoutes,
  ...uploadRoutes,
  ...additionRoutes,
  ...sampleRoutes,
  ...novelRoutes,
  ...shapeRoutes,
  ...styleRoutes,
  ...promptRoutes,
  ...sceneRoutes,
  ...candidateRoutes,
  ...codexRoutes,
  ...summaryRoutes,
  ...codexFindingRoutes,
  ...threadRoutes,
  ...snapshotRoutes,
  ...exportRoutes,
  ...userRoutes,
]

/** Adds all routes, by resource. */
export function addRoutes(app: FastifyInstance, context: ApiContext): void {
  for (const add of routes) add(app, context)
  const { novels } = context
  if (novels !== undefined) for (const add of withNovels) add(app, { ...context, novels })
}
