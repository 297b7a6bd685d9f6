/** How a novel and its scenes are told: point of view, tense, the author's style sheet and a sample of the author's voice. */
import { z } from 'zod'
import { title } from './fields.ts'
import type { PromptLanguage } from './prompts/prompts.ts'

/** Who tells, or through whose eyes it is seen. */
export const pointsOfView = ['first', 'second', 'third-limited', 'third-omniscient'] as const

/** The tenses of narration. */
export const tenses = ['past', 'present'] as const

const shape = {
  pov: z.enum(pointsOfView).optional(),
  /** The person who tells, or through whose eyes it is seen. */
  povCharacter: title.optional(),
  tense: z.enum(tenses).optional(),
}

/** How a scene is told; what is absent is as the novel has it. */
export const sceneNarration = z.strictObject(shape)

/** How a scene is told. */
export type Narration = z.output<typeof sceneNarration>

const prose = (longest: number) =>
  z
    .string()
    .trim()
    .max(longest)
    .refine(text => !/[\0\p{Surrogate}]/u.test(text), 'a text has no NUL and no half of a surrogate pair')

/** How all scenes of a novel are told that say nothing else. */
export const novelNarration = z.strictObject({
  ...shape,
  /** Rules of the author for the prose of the whole novel. */
  styleSheet: prose(4_000).default(''),
  /** Prose of the author, for a model to keep to its voice. */
  voiceSample: prose(6_000).default(''),
})

/** How a novel is told. */
export type NovelNarration = z.output<typeof novelNarration>

/** Returns how a scene is told: its own fields go before those of the novel. An omniscient narrator has no character. */
export function narrationOf(own: Narration | undefined, usual: Narration): Narration {
  const pov = own?.pov ?? usual.pov
  const povCharacter = own?.povCharacter ?? usual.povCharacter
  const tense = own?.tense ?? usual.tense
  return {
    ...(pov !== undefined && { pov }),
    ...(povCharacter !== undefined && pov !== 'third-omniscient' && { povCharacter }),
    ...(tense !== undefined && { tense }),
  }
}

/** Whether the prose of one scene may stand before another one: mixed points of view confuse a model. What is not known is no difference. */
export function hasSameView(one: Narration, other: Narration): boolean {
  const isSame = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined || a.toLowerCase() === b.toLowerCase()
  return isSame(one.pov, other.pov) && isSame(one.povCharacter, other.povCharacter)
}

const words = {
  en: {
    first: 'first person',
    second: 'second person',
    'third-limited': 'third person, limited to one mind',
    'third-omniscient': 'third person, omniscient',
    past: 'past tense',
    present: 'present tense',
  },
  zh: {
    first: '第一人称',
    second: '第二人称',
    'third-limited': '第三人称有限视角',
    'third-omniscient': '第三人称全知视角',
    past: '过去时',
    present: '现在时',
  },
} as const

/** Returns the instruction of a prompt; empty where nothing is known. */
export function narrationInstruction(
  { pov, povCharacter, tense }: Narration,
  language: PromptLanguage,
): string {
  const named = words[language]
  const told = [pov && named[pov], tense && named[tense]].filter(text => text !== undefined)
  if (language === 'zh') {
    const seen = povCharacter === undefined ? [] : [`视角人物是${povCharacter}`]
    const all = [...told, ...seen]
    return all.length === 0 ? '' : `叙述：${all.join('，')}。`
  }
  const seen = povCharacter === undefined ? [] : [`the point of view is that of ${povCharacter}`]
  const all = [...told, ...seen]
  return all.length === 0 ? '' : `Narration: ${all.join('; ')}.`
}
