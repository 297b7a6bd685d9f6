import type { Messages } from '../en/index.ts'
import deadLetters from './dead-letters.json'
import frame from './frame.json'
import home from './home.json'
import imports from './imports.json'
import limits from './limits.json'
import novels from './novels.json'
import scenes from './scenes.json'
import settings from './settings.json'
import task from './task.json'
import tasks from './tasks.json'
import usage from './usage.json'

/** The texts in Simplified Chinese, by part of the pages. */
export const chinese: Messages = {
  ...frame,
  deadLetters,
  home,
  imports,
  limits,
  novels,
  scenes,
  settings,
  task,
  tasks,
  usage,
}
