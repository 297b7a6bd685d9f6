import { z } from 'zod'
import type { LanguageModel } from '../ai/model.ts'
import { hashedId, type TaskContext } from '../index.ts'
import { textAround } from './checks/check-prose.ts'
import { id } from './fields.ts'
import { type MaterialText, startByTokens } from './models/context.ts'
import { textLanguage, writingOf } from './models/lengths.ts'
import { withVectors } from './models/query-vector.ts'
import { type MaterialReader, readMaterial } from './models/scene-material.ts'
import { repeatedTokens, type TextForm } from './models/scene-prompt.ts'
import { promptLanguageOf } from './prompts/prompts.ts'
import { refuseReference } from './refuse-reference.ts'
import {
  oneIfAutomatic,
  type SceneOptions,
  saidOf,
  sceneOptions,
  scenesBefore,
  writingFor,
} from './scene-request.ts'
import { findScene, type Manner, mannerOf } from './scene-target.ts'
import {
  admitInsteadOf,
  insteadOf,
  makeTexts,
  type Placed,
  resultOf,
  type TextsPlan,
  textsProgress,
  textsResult,
} from './scene-texts.ts'
import {
  editInstruction,
  findSelection,
  mostOf,
  type Stretch,
  selectionEdits,
  usualLengthOf,
  withoutEchoes,
  withPassage,
} from './selection.ts'
import {
  defineNovelTask,
  modelsOf,
  type NovelServices,
  novelRetry,
  promptsFor,
  timed,
  unlessFailed,
} from './services.ts'

const parameters = z
  .strictObject({
    novelId: id,
    sceneId: id,
    selection: z.strictObject({
      /** Where it begins, in UTF-16 code units of the text of the scene. */
      start: z.int().min(0),
      /** The selected text. */
      text: z.string().min(1).max(30_000),
      /** `version` of the scene that it was selected in. If the text changed since, it is looked for, and taken where it is there once. */
      version: z.int().min(1),
    }),
    edit: z.enum(selectionEdits),
    ...sceneOptions,
    scenesBefore,
    insteadOf,
  })
  .refine(...oneIfAutomatic)

/** Parameters of the task. */
export type RewriteParameters = z.output<typeof parameters>

type RewriteContext = TaskContext<typeof parameters, typeof textsProgress, NovelServices>

/** What the task first read of the scene. */
interface RewriteTarget {
  readonly version: number
  readonly title: string
  readonly content: string
  /** Where the selection is in it, without white space at its ends. */
  readonly place: Stretch
  /** Title and author of the novel. */
  readonly novel: string
  /** BCP 47, of the scene. */
  readonly language: string
  readonly manner: Manner
}

/**
 * Rewrites, shortens, expands or continues a selection of a scene's text with a language model. Each text is a candidate: the whole scene, in which
 * nothing but the selection is replaced. The new text of the selection streams to the output of the task.
 */
export const rewriteSelection = defineNovelTask({
  type: 'RewriteSelection',
  lane: 'batch',
  attemptTimeout: '1h',
  retry: novelRetry,
  parameters,
  result: textsResult,
  progress: textsProgress,
  async admit(asked, asker) {
    modelsOf(asker).languageModel('prose', asked.model)
    await refuseReference(asker, asked.novelId)
    await readSelectionTarget(asker, asked)
    await admitInsteadOf(asker, asked)
  },
  async execute(ctx: RewriteContext) {
    const asked = hashedId(JSON.stringify(ctx.parameters))
    // A checkpoint: what is written for one text is not put into another one unseen.
    const target = await ctx.checkpoint(`selection ${asked}`, () => readSelectionTarget(ctx, ctx.parameters))
    const { sceneId } = ctx.parameters
    return timed(async () => resultOf(sceneId, await makeTexts(ctx, { sceneId }, () => planOf(ctx, target))))
  },
})

/** Reads the scene, and finds the selection. Throws SCENE_NOT_FOUND, and what `findSelection` throws. */
export async function readSelectionTarget(
  asker: Pick<MaterialReader, 'services' | 'userId'>,
  { novelId, sceneId, selection }: RewriteParameters,
): Promise<RewriteTarget> {
  const scene = await findScene(asker, { novelId }, sceneId)
  const { version, title = '', content } = scene
  const place = findSelection(scene, selection)
  const [{ title: book, author, language }, manner] = await Promise.all([
    asker.services.library.shelf.about(asker.userId, novelId),
    mannerOf(asker, novelId, scene.narration),
  ])
  const novel = author === undefined ? book : `${book}, ${author}`
  return { version, title, content, place, novel, manner, language: textLanguage(content, language) }
}

/** Returns the length and language of the new text, and the slots of its prompt. */
export function rewritingFor(
  { edit, length, ...asked }: Pick<RewriteParameters, 'edit'> & SceneOptions,
  { content, place, novel, language, manner }: RewriteTarget,
  model: LanguageModel,
) {
  const selection = content.slice(place.start, place.end)
  const usual = usualLengthOf(edit, selection, writingOf(language))
  const { slots, ...writing } = writingFor(
    { ...asked, length: length ?? usual },
    { brief: '', novel, language, manner },
  )
  const form: TextForm = {
    ...({ first: 'rewrite-selection', next: 'rewrite-selection', whole: 'passage' } as const),
    most: mostOf(edit, writing.length),
  }
  const after = content.slice(place.end)
  const textAfter = startByTokens(after, repeatedTokens(model), text => model.countTokens(text))
  const own = { selection, textAfter, edit: editInstruction(edit, writing.promptLanguage) }
  return { form, ...writing, slots: { ...slots, ...own } }
}

async function planOf(ctx: RewriteContext, target: RewriteTarget): Promise<TextsPlan> {
  const { novelId, sceneId, edit, temperature, contextTokens, instructions = '' } = ctx.parameters
  await refuseReference(ctx, novelId)
  const model = modelsOf(ctx).languageModel('prose', ctx.parameters.model)
  const prompts = await promptsFor(ctx, novelId)
  const { content, place, manner, language } = target
  const rewriting = rewritingFor(ctx.parameters, target, model)
  const { selection } = rewriting.slots
  const before = content.slice(0, edit === 'continue' ? place.end : place.start)
  const after = content.slice(place.end)
  const selected = edit === 'continue' ? '' : selection
  const request = {
    ...{ novelId, before: sceneId, manner, tokens: contextTokens, scenesBefore: ctx.parameters.scenesBefore },
    about: `${selection}\n${instructions}`,
    said: saidOf({ brief: selection, manner }, ctx.parameters),
    language: promptLanguageOf(language),
  }
  return {
    ...{ novelId, sceneId, model, prompts, target, temperature, language, recorded: { edit } },
    mostMaterial: contextTokens,
    ...rewriting,
    around: textAround({ before, after }),
    trim: text => withoutEchoes(text, { before, selected, after }, rewriting.writing),
    async material() {
      const read = await readMaterial(withVectors(ctx, novelId), request)
      return { ...read, textBefore: [...ofScene(target, sceneId), ...read.textBefore] }
    },
    place: text => placed(ctx, target, { text, writing: rewriting.writing }),
  }
}

/** The text of the scene before the selection; none where nothing is before it. */
function ofScene({ content, place, title }: RewriteTarget, id: string): readonly MaterialText[] {
  const text = content.slice(0, place.start)
  return text.trim() === '' ? [] : [{ text, source: { of: 'scene', id, title } }]
}

/** Puts the text into the scene as it is now; where the selection cannot be found in it any more, into the scene as it was. */
async function placed(
  ctx: RewriteContext,
  { content, place, version }: RewriteTarget,
  written: Pick<Parameters<typeof withPassage>[2], 'text' | 'writing'>,
): Promise<Placed> {
  const { edit } = ctx.parameters
  const selection = { start: place.start, text: content.slice(place.start, place.end), version }
  const now = await findScene(ctx, ctx.parameters, ctx.parameters.sceneId)
  const found = await unlessFailed('SELECTION_NOT_FOUND', () => findSelection(now, selection))
  if (found === undefined)
    return { ...withPassage(content, place, { edit, ...written }), expectedVersion: version }
  return { ...withPassage(now.content, found, { edit, ...written }), expectedVersion: now.version }
}
