import type { Messages } from '../en/index.ts'
import bulk from './bulk.json'
import deadLetters from './dead-letters.json'
import frame from './frame.json'
import home from './home.json'
import overview from './overview.json'
import type { chineseRest } from './rest.ts'
import task from './task.json'
import tasks from './tasks.json'

/** The texts in Simplified Chinese of the frame, the shelf, the overview and the tasks. */
export const chinese: Omit<Messages, keyof typeof chineseRest> = {
  ...frame,
  bulk,
  deadLetters,
  home,
  overview,
  task,
  tasks,
}
