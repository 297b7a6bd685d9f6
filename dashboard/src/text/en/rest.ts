import additions from './additions.json'
import audit from './audit.json'
import codex from './codex.json'
import events from './events.json'
import imports from './imports.json'
import lanes from './lanes.json'
import limits from './limits.json'
import novels from './novels.json'
import prompts from './prompts.json'
import scenes from './scenes.json'
import schedules from './schedules.json'
import settings from './settings.json'
import style from './style.json'
import threads from './threads.json'
import usage from './usage.json'
import workers from './workers.json'

/** The texts in English of the pages that need more than `index.ts`, by part of the pages. */
export const englishRest = {
  additions,
  audit,
  codex,
  events,
  imports,
  lanes,
  limits,
  novels,
  prompts,
  scenes,
  schedules,
  settings,
  style,
  threads,
  usage,
  workers,
}
