/** For tests: an engine on a clock that is moved by hand, handlers run alone, tasks that do as they are told. No test runner needed. */
export { type BrokerCase, type BrokerCaseContext, type BrokerNeed, brokerCases } from './broker-cases.ts'
export { type CapturedLine, type CapturedLog, createCapturedLog } from './captured-log.ts'
export { createGate, type Gate } from './gate.ts'
export { type HandlerRun, type HandlerRunOptions, runHandler } from './handler-run.ts'
export { createManualClock, type ManualClock, type ManualClockOptions } from './manual-clock.ts'
export { createRecorder, type EventMatch, type Recorded, type Recorder } from './recorder.ts'
export {
  type JournalEntry,
  type Order,
  type ScriptedTask,
  type ScriptedTasks,
  scriptedTasks,
} from './scripted.ts'
export { type StoreCase, type StoreCaseContext, storeCases } from './store-cases.ts'
export { type Submitted, submittedTasks } from './submitted.ts'
export { type TestEngine, type TestEngineOptions, testEngine } from './test-engine.ts'
