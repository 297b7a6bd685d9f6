/** Quillwork: durable background tasks. Define a task, submit it, run workers. */
export type { Broker } from './broker/broker.ts'
export { memoryBroker } from './broker/memory/broker.ts'
export type { Budgets, BudgetUse } from './engine/budget.ts'
export { type Bulk, type BulkActionResult, type BulkProgress, bulkAction } from './engine/bulk-action.ts'
export type { BulkActionParameters } from './engine/bulk-parameters.ts'
export type { BulkActionName, BulkFilter, BulkPreview, BulkSelection } from './engine/bulk-selection.ts'
export type { EngineCounts } from './engine/core.ts'
export type { BulkOutcome, DeadLetters } from './engine/dead-letter.ts'
export {
  createEngine,
  type Engine,
  type EngineOptions,
  type ServicesOf,
  type SubmitOutcome,
} from './engine/engine.ts'
export type { TaskHandle } from './engine/handle.ts'
export { type LaneDetails, type LaneInfo, type Lanes, type LaneWait, laneWaits } from './engine/lanes.ts'
export type { Limits } from './engine/limits.ts'
export type { TaskBus, TaskEventListener } from './engine/listeners.ts'
export type { EngineHealth, ModelUsage, Tasks } from './engine/operate.ts'
export type { FollowOptions, OutputEvent } from './engine/output.ts'
export type { RerunOptions, RetryTaskOptions } from './engine/retry.ts'
export { type AnySchedule, type Schedule, schedule } from './engine/schedule.ts'
export type { ScheduleInfo, Schedules } from './engine/schedules.ts'
export type { EngineSettings, EngineTimes, ThreadOptions, UsageRetention } from './engine/settings.ts'
export type { SubmitItem } from './engine/submit-many.ts'
export type { EngineTransaction } from './engine/transaction.ts'
export type { Limit, LimitOverrides, LimitSource, LimitUse, RateLimiter } from './rate-limit/limiter.ts'
export { createSharedLimiter, type SharedLimiterOptions } from './rate-limit/shared.ts'
export { type Clock, systemClock } from './runtime/clock.ts'
export type { Logger } from './runtime/log.ts'
export type {
  AttemptRow,
  Backup,
  Backups,
  CallerStatement,
  DeadLetterFilter,
  DeadLetterGroup,
  LogLine,
  NodeState,
  Output,
  OutputPiece,
  OutputPlace,
  Page,
  PageRequest,
  RunningAttempt,
  Store,
  TaskFilter,
  TaskListRequest,
  UsageFilter,
  UsageKind,
  UsageRow,
  UsageSum,
} from './store/store.ts'
export type { AdmissionLimits } from './task/admission.ts'
export { decode, encode } from './task/codec.ts'
export {
  type Admission,
  type AnyTask,
  defineTask,
  type EarlierOutput,
  type In,
  type Out,
  type ResolvedTask,
  type Schema,
  type State,
  type StepOptions,
  type SubTask,
  type SubTaskItem,
  type SubTaskOptions,
  type TaskContext,
  type TaskDefinition,
  type TaskType,
  type ThreadContext,
} from './task/definition.ts'
export type { Duration } from './task/duration.ts'
export type { Erasure, RootFilter, RootTask } from './task/erasure.ts'
export {
  type ErrorClass,
  type ErrorCode,
  type ErrorInfo,
  errorCatalogue,
  PermanentError,
  QuillworkError,
  SnoozeError,
  TaskFailedError,
} from './task/errors.ts'
export type { TaskEvent, TaskEventBase, TaskEventName, TaskEvents } from './task/events.ts'
export { hashedId, submissionTimeOf } from './task/id.ts'
export type { OwnTask, OwnTasks, OwnUsage } from './task/own-tasks.ts'
export type { AllowedCall, BudgetHold, ExpectedCall, Permit, Spending, Usage } from './task/paid-call.ts'
export type { RetryOptions } from './task/retry-policy.ts'
export { hasEnded, type Phase, type TaskStatus, taskStatuses } from './task/status.ts'
export type { SubmitOptions } from './task/submission.ts'
export { liveOf, totalOf, unsuccessfulOf } from './task/subtasks.ts'
export type { Budget, DeadLetter, FailedSubTask, Priority, SubTaskSummary, TaskRecord } from './task/task.ts'
export type { AttemptTrace, Tracer } from './task/tracer.ts'
