import type { Scene } from '../queries/scene-queries.ts'

/** What a person wants of a scene that a model is to write; as it is typed. Empty: no wish. */
export interface Wishes {
  /** What is to happen. */
  summary: string
  /** Whether what is to happen also becomes the summary of the scene. */
  keepSummary: boolean
  instructions: string
  style: string
  tone: string
  /** Words, or characters in a novel that is written in Chinese, Japanese or Korean. */
  length: number | ''
  /** Id of a model; empty: the first one for prose. */
  model: string
  /** At most so many tokens, and so much money. */
  tokens: number | ''
  cost: number | ''
}

/** How a novel is measured. */
export type Unit = 'words' | 'characters'

/** How the novel is measured, by its language (BCP 47). */
export function unitOf(language: string | undefined): Unit {
  return /^(zh|ja|ko|yue)\b/i.test(language ?? '') ? 'characters' : 'words'
}

/** What is asked where no length is: as docs/writing-tasks.md says. */
export const usualLength: Record<Unit, number> = { words: 800, characters: 1_500 }

/** What the form begins with. A summary that only quotes a text need not be kept again. */
export function firstWishes({ summary }: Scene): Wishes {
  return {
    summary: summary?.text ?? '',
    keepSummary: summary === undefined,
    instructions: '',
    style: '',
    tone: '',
    length: '',
    model: '',
    tokens: '',
    cost: '',
  }
}

/** Whether anything says what is to be written. */
export function saysWhat({ summary, instructions }: Wishes): boolean {
  return summary.trim() !== '' || instructions.trim() !== ''
}

/** The parameters of GenerateScene. What is the summary of the scene already need not be told. */
export function parametersOf(wishes: Wishes, scene: Scene, unit: Unit): Record<string, unknown> {
  const summary = wishes.summary.trim()
  return {
    novelId: scene.novelId,
    sceneId: scene.id,
    ...(summary === (scene.summary?.text.trim() ?? '') ? {} : written('summary', summary)),
    ...written('instructions', wishes.instructions),
    ...written('style', wishes.style),
    ...written('tone', wishes.tone),
    ...written('model', wishes.model),
    ...(wishes.length === '' ? {} : { length: { [unit]: wishes.length } }),
    overwriteExisting: true,
  }
}

function written(name: string, value: string): Record<string, string> {
  const text = value.trim()
  return text === '' ? {} : { [name]: text }
}

/** The budget of the task, if the person set one. */
export function budgetOf({ tokens, cost }: Pick<Wishes, 'tokens' | 'cost'>) {
  if (tokens === '' && cost === '') return undefined
  return { ...(tokens === '' ? {} : { tokens }), ...(cost === '' ? {} : { cost }) }
}
