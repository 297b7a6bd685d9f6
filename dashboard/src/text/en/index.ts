import additions from './additions.json'
import audit from './audit.json'
import bulk from './bulk.json'
import codex from './codex.json'
import deadLetters from './dead-letters.json'
import events from './events.json'
import frame from './frame.json'
import home from './home.json'
import imports from './imports.json'
import lanes from './lanes.json'
import limits from './limits.json'
import novels from './novels.json'
import overview from './overview.json'
import prompts from './prompts.json'
import scenes from './scenes.json'
import schedules from './schedules.json'
import settings from './settings.json'
import style from './style.json'
import task from './task.json'
import tasks from './tasks.json'
import threads from './threads.json'
import usage from './usage.json'
import workers from './workers.json'

/** The texts in English, by part of the pages. */
export const english = {
  ...frame,
  additions,
  audit,
  bulk,
  codex,
  deadLetters,
  events,
  home,
  imports,
  lanes,
  limits,
  novels,
  overview,
  prompts,
  scenes,
  schedules,
  settings,
  style,
  task,
  tasks,
  threads,
  usage,
  workers,
}

/** The same keys in every language. The English files decide which there are. */
export type Messages = SameKeys<typeof english>

type SameKeys<T> = { readonly [Key in keyof T]: T[Key] extends string ? string : SameKeys<T[Key]> }

declare module 'use-intl' {
  interface AppConfig {
    Messages: Messages
    Locale: 'en' | 'zh-CN'
  }
}
