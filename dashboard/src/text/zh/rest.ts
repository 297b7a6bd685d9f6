import type { Messages } from '../en/index.ts'
import type { englishRest } from '../en/rest.ts'
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

/** The texts in Simplified Chinese of the pages that need more than `index.ts`. */
export const chineseRest: Pick<Messages, keyof typeof englishRest> = {
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
