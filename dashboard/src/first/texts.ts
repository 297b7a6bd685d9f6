import { shell, status, taskTypes } from '../text/en/frame.json'
import { title as scene } from '../text/en/scenes.json'
import {
  shell as chineseShell,
  status as chineseStatus,
  taskTypes as chineseTaskTypes,
} from '../text/zh/frame.json'
import { title as chineseScene } from '../text/zh/scenes.json'

/** The few texts of a first view: those of the pages themselves. */
export interface FirstTexts {
  readonly home: string
  readonly tasks: string
  readonly scene: string
  readonly loading: string
  readonly status: Readonly<Record<string, string>>
  readonly taskTypes: Readonly<Record<string, string>>
}

/** The texts by language. */
export const firstTexts: Readonly<Record<'en' | 'zh', FirstTexts>> = {
  en: { home: shell.shelf, tasks: shell.tasks, scene, loading: shell.starting, status, taskTypes },
  zh: {
    home: chineseShell.shelf,
    tasks: chineseShell.tasks,
    scene: chineseScene,
    loading: chineseShell.starting,
    status: chineseStatus,
    taskTypes: chineseTaskTypes,
  },
}
