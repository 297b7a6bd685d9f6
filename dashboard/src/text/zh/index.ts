import type { Messages } from '../en/index.ts'
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

/** The texts in Simplified Chinese, by part of the pages. */
export const chinese: Messages = {
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
