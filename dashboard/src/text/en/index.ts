import actions from './actions.json'
import deadLetters from './dead-letters.json'
import errors from './errors.json'
import home from './home.json'
import imports from './imports.json'
import novels from './novels.json'
import parts from './parts.json'
import scenes from './scenes.json'
import settings from './settings.json'
import shell from './shell.json'
import shortcuts from './shortcuts.json'
import status from './status.json'
import task from './task.json'
import taskTypes from './task-types.json'
import tasks from './tasks.json'
import token from './token.json'
import units from './units.json'
import usage from './usage.json'

/** The texts in English, by part of the pages. */
export const english = {
  actions,
  deadLetters,
  errors,
  home,
  imports,
  novels,
  parts,
  scenes,
  settings,
  shell,
  shortcuts,
  status,
  task,
  taskTypes,
  tasks,
  token,
  units,
  usage,
}
