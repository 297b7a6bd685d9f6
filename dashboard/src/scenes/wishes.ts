import type { Scene } from '../queries/novel-queries.ts'

/** What a person wants of a scene that a model is to write; as it is typed. Empty: no wish. */
export interface Wishes {
  /** What is to happen, once it is typed; until then the summary of the scene tells. */
  summary: TypedSummary | undefined
  /** Whether what is typed also becomes the summary of the scene. Undefined until it is chosen. */
  keepSummary: boolean | undefined
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

/** What is to happen, as it is typed. */
interface TypedSummary {
  text: string
  /** The summary of the scene that it was typed over. */
  over: string
}

/** How a novel is measured. */
export type Unit = 'words' | 'characters'

/** How the novel is measured, by its language (BCP 47). */
export function unitOf(language: string | undefined): Unit {
  return /^(zh|ja|ko|yue)\b/i.test(language ?? '') ? 'characters' : 'words'
}

/** What is asked where no length is: as docs/writing-tasks.md says. */
export const usualLength: Record<Unit, number> = { words: 800, characters: 1_500 }

/** What the form begins with. */
export const noWishes: Wishes = {
  summary: undefined,
  keepSummary: undefined,
  instructions: '',
  style: '',
  tone: '',
  length: '',
  model: '',
  tokens: '',
  cost: '',
}

/** What is to happen. */
export function whatHappens({ summary }: Wishes, scene: Scene): string {
  return summary?.text ?? summaryOf(scene)
}

/** What is to happen, now that it is typed so. As the scene has it: nothing is typed. */
export function typedOver({ summary }: Wishes, scene: Scene, text: string): TypedSummary | undefined {
  const there = summaryOf(scene)
  return text === there ? undefined : { text, over: summary?.over ?? there }
}

/** Whether what is typed says something else than the summary of the scene. */
export function isOwnSummary(wishes: Wishes, scene: Scene): boolean {
  const text = whatHappens(wishes, scene).trim()
  return text !== '' && text !== summaryOf(scene).trim()
}

/** Whether what is typed is to become the summary of the scene: by itself only where there was none. */
export function isToBeKept({ summary, keepSummary }: Wishes): boolean {
  return keepSummary ?? summary?.over === ''
}

/** Whether keeping what is typed would overwrite a summary that the person has not typed over. */
export function isOutrun(wishes: Wishes, scene: Scene): boolean {
  return isToBeKept(wishes) && isOwnSummary(wishes, scene) && wishes.summary?.over !== summaryOf(scene)
}

function summaryOf({ summary }: Scene): string {
  return summary?.text ?? ''
}

/** Whether anything says what is to be written. */
export function saysWhat(wishes: Wishes, scene: Scene): boolean {
  return whatHappens(wishes, scene).trim() !== '' || wishes.instructions.trim() !== ''
}

/** Whether something is wished of what a scene can do without. */
export function wishesMore({ style, tone, length, model, tokens, cost }: Wishes): boolean {
  return [style, tone, length, model, tokens, cost].some(wish => wish !== '')
}

/** The parameters of GenerateScene. What is the summary of the scene already need not be told. */
export function parametersOf(wishes: Wishes, scene: Scene, unit: Unit): Record<string, unknown> {
  return {
    novelId: scene.novelId,
    sceneId: scene.id,
    ...(isOwnSummary(wishes, scene) ? written('summary', whatHappens(wishes, scene)) : {}),
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
