import bulk from './bulk.json'
import deadLetters from './dead-letters.json'
import frame from './frame.json'
import home from './home.json'
import overview from './overview.json'
import type { englishRest } from './rest.ts'
import task from './task.json'
import tasks from './tasks.json'

/** The texts in English of the frame, the shelf, the overview and the tasks, by part of the pages. The other pages load `rest.ts` too. */
export const english = {
  ...frame,
  bulk,
  deadLetters,
  home,
  overview,
  task,
  tasks,
}

/** The same keys in every language. The English files decide which there are. */
export type Messages = SameKeys<typeof english & typeof englishRest>

type SameKeys<T> = { readonly [Key in keyof T]: T[Key] extends string ? string : SameKeys<T[Key]> }

declare module 'use-intl' {
  interface AppConfig {
    Messages: Messages
    Locale: 'en' | 'zh-CN'
  }
}
