import additions from './additions.json'
import codex from './codex.json'
import deadLetters from './dead-letters.json'
import frame from './frame.json'
import home from './home.json'
import imports from './imports.json'
import limits from './limits.json'
import novels from './novels.json'
import prompts from './prompts.json'
import scenes from './scenes.json'
import settings from './settings.json'
import style from './style.json'
import task from './task.json'
import tasks from './tasks.json'
import threads from './threads.json'
import usage from './usage.json'

/** The texts in English, by part of the pages. */
export const english = {
  ...frame,
  additions,
  codex,
  deadLetters,
  home,
  imports,
  limits,
  novels,
  prompts,
  scenes,
  settings,
  style,
  task,
  tasks,
  threads,
  usage,
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
