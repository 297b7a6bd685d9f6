/** For tests: an engine on a clock that is moved by hand, handlers run alone, scripted tasks. No test runner needed. */
export { type BrokerCase, type BrokerCaseContext, type BrokerNeed, brokerCases } from './broker-cases.ts'
export { type HandlerRun, type HandlerRunOptions, runHandler } from './handler-run.ts'
export { createManualClock, type ManualClock, type ManualClockOptions } from './manual-clock.ts'
export {
  type CapturedLine,
  type CapturedLog,
  createCapturedLog,
  createGate,
  createRecorder,
  type EventMatch,
  type Gate,
  type Recorded,
  type Recorder,
} from './recorder.ts'
export {
  type JournalEntry,
  type Order,
  type ScriptedTask,
  type ScriptedTasks,
  scriptedTasks,
} from './scripted.ts'
export { type StoreCase, type StoreCaseContext, storeCases } from './store-cases.ts'
export {
  type Submitted,
  submittedTasks,
  type TestEngine,
  type TestEngineOptions,
  testEngine,
} from './test-engine.ts'
