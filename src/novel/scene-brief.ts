import { z } from 'zod'
import type { TaskContext } from '../index.ts'
import { beatsOf } from './brief/beats.ts'
import { findNames } from './brief/names.ts'
import { openQuestions } from './brief/questions.ts'
import { count, id } from './fields.ts'
import { type ClosePassage, closePassages } from './models/scene-material.ts'
import { promptLanguageOf } from './prompts/prompts.ts'
import { admitScene, findScene, type SceneTarget, targetOf } from './scene-target.ts'
import { defineNovelTask, type NovelServices } from './services.ts'

const label = 'writing brief, not generated prose' as const

const parameters = z.strictObject({
  novelId: id,
  sceneId: id,
  /** What is to happen in it. Default: the summary of the scene. */
  summary: z.string().trim().min(1).max(10_000).optional(),
})

const names = z.array(z.string())

const result = z.object({
  sceneId: id,
  /** What this is: no model wrote it, and it is no scene. */
  label: z.literal(label),
  method: z.literal('extractive'),
  /** BCP 47. */
  language: z.string(),
  /** The steps of the summary, in its words and order. */
  beats: z.array(z.string()),
  /** Found by patterns in the summary and in what the novel has around it; those of the summary first. */
  people: names,
  places: names,
  otherNames: names,
  /** The passages of the novel that are closest to the summary, best first. */
  passages: z.array(
    z.object({
      sceneId: id,
      chapterId: id,
      chapterTitle: z.string(),
      /** Where it stands in the text of its scene, in UTF-16 code units. */
      start: count,
      end: count,
      text: z.string(),
    }),
  ),
  /** What the summary leaves open. */
  openQuestions: z.array(z.string()),
})

type BriefContext = TaskContext<typeof parameters, z.ZodNever, NovelServices>

/** Passages of a brief, and code units of each that are shown. */
const mostPassages = 5
const shownUnits = 600
/** Texts before the scene that names are looked for in. */
const scenesBefore = 5
const unitsBefore = 30_000
/** Names of a kind that a brief lists. */
const mostNames = 20

/**
 * What helps to write a scene by hand, made without a model: what happens step by step, people, places, close passages, open questions.
 * It never passes for prose.
 */
export const sceneBrief = defineNovelTask({
  type: 'SceneBrief',
  parameters,
  result,
  admit: (asked, asker) => admitScene(asker, asked),
  async execute(ctx: BriefContext) {
    const { novelId, sceneId } = ctx.parameters
    const scene = await findScene(ctx, ctx.parameters, sceneId)
    const target = await targetOf(ctx, scene, ctx.parameters)
    const passages = await closePassages(ctx, { novelId, sceneId, about: target.brief })
    const before = await textBefore(ctx)
    const found = namesFor(target, [...passages.map(({ text }) => text), ...before])
    const language = promptLanguageOf(target.language)
    const beats = beatsOf(target.brief)
    const { people, places, otherNames } = found
    const known = { ...found.inSummary, beats, summary: target.brief, hasBefore: before.length > 0 }
    return {
      sceneId,
      label,
      method: 'extractive' as const,
      language: target.language,
      beats,
      people,
      places,
      otherNames,
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
  const { start, end } = passage
  return { sceneId, chapterId, chapterTitle, start, end, text: beginning(text) }
}

function beginning(text: string): string {
  if (text.length <= shownUnits) return text
  const last = text.charCodeAt(shownUnits - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? shownUnits - 1 : shownUnits)
}
