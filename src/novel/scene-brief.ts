import { z } from 'zod'
import { wholeAt } from '../ai/text/characters.ts'
import { splitSentences } from '../ai/text/sentences.ts'
import type { TaskContext } from '../index.ts'
import { count, id } from './fields.ts'
import { type ClosePassage, closePassages } from './models/scene-material.ts'
import { findNames } from './names.ts'
import { type PromptLanguage, promptLanguageOf } from './prompts/prompts.ts'
import { admitScene, findScene, type SceneTarget, targetOf } from './scene-target.ts'
import { defineNovelTask, type NovelServices, novelRetry } from './services.ts'

const label = 'writing brief, not generated prose' as const

const parameters = z.strictObject({
  novelId: id,
  sceneId: id,
  /** The events of the scene. Default: its summary. */
  summary: z.string().trim().min(1).max(10_000).optional(),
})

const names = z.array(z.string())

const result = z.object({
  sceneId: id,
  /** Says that no model wrote this, and that it is not a scene. */
  label: z.literal(label),
  method: z.literal('extractive'),
  /** BCP 47. */
  language: z.string(),
  /** The steps of the summary, in its words and order. */
  beats: z.array(z.string()),
  /** Names found by patterns in the summary and in the novel around the scene; those of the summary first. */
  people: names,
  places: names,
  otherNames: names,
  /** The passages of the novel that are closest to the summary, best first. */
  passages: z.array(
    z.object({
      sceneId: id,
      chapterId: id,
      chapterTitle: z.string(),
      /** Its place in the text of its scene, in UTF-16 code units. */
      start: count,
      end: count,
      text: z.string(),
    }),
  ),
  /** Questions that the summary leaves open. */
  openQuestions: z.array(z.string()),
})

type BriefContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>

/** Passages of a brief, and code units of each. */
const mostPassages = 5
const shownUnits = 600
/** Texts before the scene in which names are searched. */
const scenesBefore = 5
const unitsBefore = 30_000
/** Most names of a kind in a brief. */
const mostNames = 20

/**
 * Makes a brief for writing a scene by hand, without a model: its steps, people, places, close passages and open questions. The brief is
 * labelled, so that it is never taken for prose.
 */
export const sceneBrief = defineNovelTask({
  type: 'SceneBrief',
  retry: novelRetry,
  parameters,
  result,
  admit: (asked, asker) => admitScene(asker, asked),
  async execute(ctx: BriefContext) {
    const { novelId, sceneId } = ctx.parameters
    const scene = await findScene(ctx, ctx.parameters, sceneId)
    const target = await targetOf(ctx, scene, ctx.parameters)
    const passages = await closePassages(ctx, { novelId, before: sceneId, about: target.brief })
    const before = await textBefore(ctx)
    const { inSummary, ...found } = namesFor(target, [...passages.map(({ text }) => text), ...before])
    const language = promptLanguageOf(target.language)
    const beats = beatsOf(target.brief)
    const known = { ...inSummary, beats, summary: target.brief, hasBefore: before.length > 0 }
    return {
      sceneId,
      label,
      method: 'extractive' as const,
      language: target.language,
      beats,
      ...found,
      passages: passages.slice(0, mostPassages).map(shown),
      openQuestions: openQuestions(known, language),
    }
  },
})

async function textBefore({ userId, services, parameters: { sceneId } }: BriefContext): Promise<string[]> {
  const page = { pageSize: scenesBefore, units: unitsBefore }
  const { items } = await services.library.shelf.textsBefore(userId, sceneId, page)
  return items.filter(scene => !scene.empty).map(scene => scene.content)
}

function namesFor({ brief }: SceneTarget, texts: readonly string[]) {
  const { people, places, others } = findNames([brief, ...texts])
  const around = texts.join('\n')
  const inBrief = (name: string) => brief.includes(name)
  const ordered = (list: readonly string[]) =>
    [...list.filter(inBrief), ...list.filter(name => !inBrief(name))].slice(0, mostNames)
  const isKnown = (name: string) => inBrief(name) && around.includes(name)
  return {
    people: ordered(people),
    places: ordered(places),
    otherNames: ordered(others),
    inSummary: {
      people: people.filter(isKnown),
      places: places.filter(isKnown),
      strangers: [...people, ...places, ...others].filter(name => inBrief(name) && !around.includes(name)),
    },
  }
}

function shown({ hit: { sceneId, chapterId, chapterTitle, passage }, text }: ClosePassage) {
  const beginning = text.slice(0, wholeAt(text, shownUnits))
  return { sceneId, chapterId, chapterTitle, ...passage, text: beginning }
}

/** Most beats of a brief. */
const mostBeats = 50
const clauseEnd = /(?<=[;；])\s*/u

/** Returns the steps of a summary: its sentences and clauses between semicolons, in its order and words. */
export function beatsOf(summary: string): string[] {
  return [...splitSentences(summary)]
    .flatMap(({ start, end }) => summary.slice(start, end).split(clauseEnd))
    .map(beat => beat.replace(/\s+/gu, ' ').trim())
    .filter(beat => /[\p{L}\p{N}]/u.test(beat))
    .slice(0, mostBeats)
}

/** The facts about a scene before it is written. */
interface Known {
  readonly beats: readonly string[]
  /** Names in the summary that the novel uses elsewhere too. */
  readonly people: readonly string[]
  readonly places: readonly string[]
  /** Names in the summary that the texts around it do not have. */
  readonly strangers: readonly string[]
  readonly summary: string
  /** The scene has a text before it. */
  readonly hasBefore: boolean
}

const timeWords: Record<PromptLanguage, RegExp> = {
  en: /\b(?:morning|noon|afternoon|evening|night|midnight|dawn|dusk|day|week|month|year|hour|winter|spring|summer|autumn|later|before|after|next|yesterday|tomorrow|when|while)\b/iu,
  zh: /[晨早午晚夜昼春夏秋冬]|黄昏|天[亮明黑]|[日月年]|时候|次日|翌日|后来|之[前后]/u,
}

/** A question in each language, and when it is open. `{strangers}` stands for their names. */
interface Question extends Record<PromptLanguage, string> {
  isOpen(known: Known, language: PromptLanguage): boolean
}

const questions: readonly Question[] = [
  {
    isOpen: ({ people }) => people.length === 0,
    en: 'Through whose eyes is it told? The summary names nobody whom the novel knows.',
    zh: '以谁的视角来写？梗概中没有小说里已有的人物。',
  },
  {
    isOpen: ({ places }) => places.length === 0,
    en: 'Where does it happen? The summary names no place of the novel.',
    zh: '发生在哪里？梗概中没有小说里已有的地点。',
  },
  {
    isOpen: ({ summary }, language) => !timeWords[language].test(summary),
    en: 'When does it happen? The summary gives no time.',
    zh: '发生在什么时候？梗概没有交代时间。',
  },
  {
    isOpen: ({ strangers }) => strangers.length > 0,
    en: 'Who or what is {strangers}? It was not found elsewhere in the novel.',
    zh: '{strangers}是谁、是什么？小说其他地方没有找到。',
  },
  {
    isOpen: ({ beats }) => beats.length < 2,
    en: 'What is different at its end from its beginning? The summary tells one step only.',
    zh: '结尾与开头有什么不同？梗概只有一个步骤。',
  },
  {
    isOpen: ({ hasBefore }) => hasBefore,
    en: 'How does it follow from the scene before?',
    zh: '它怎样承接前一个场景？',
  },
]

/** Returns the questions that the summary leaves open, for the author to decide. */
function openQuestions(known: Known, language: PromptLanguage): string[] {
  const strangers = known.strangers.join(language === 'zh' ? '、' : ', ')
  const open = questions.filter(question => question.isOpen(known, language))
  return open.map(question => question[language].replace('{strangers}', () => strangers))
}
