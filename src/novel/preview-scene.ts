/** What GenerateScene would show a model of a scene, and what it would cost; nothing is paid for it. */
import type { LanguageModel } from '../ai/model.ts'
import { countTokens } from '../ai/providers/tokens.ts'
import { type ErrorCode, QuillworkError } from '../index.ts'
import { defined } from '../task/defined.ts'
import type { Scene } from './library/scenes.ts'
import type { PromptBlock } from './models/blocks.ts'
import type { Material } from './models/context.ts'
import { type ExpectedUse, expectedPrompts, promptsUse, type SceneToExpect } from './models/expected.ts'
import { type MaterialReader, readMaterial, type SceneMaterial } from './models/scene-material.ts'
import type { PartPrompt, PromptedModel } from './models/scene-prompt.ts'
import { refuseReference } from './refuse-reference.ts'
import { askedOf, type SceneRequest } from './scene-request.ts'
import { readTarget, requireBrief } from './scene-target.ts'
import { modelsOf, type NovelServices, promptsFor, unlessFailed } from './services.ts'

/** A scene that is about to be written; the options are those of GenerateScene. */
export interface ScenePreviewRequest {
  readonly userId: string
  readonly sceneId: string
  readonly request: SceneRequest & { readonly summary?: string | undefined }
  /** Which part of a scene that is written in several is shown, from 1; the last one where it has fewer. Default 1. */
  readonly part?: number | undefined
  /** Id of the model. Default: the first one for prose; without any, the prompt is made for a large window. */
  readonly model?: string | undefined
  readonly signal: AbortSignal
  /** Makes the vector by which passages are chosen, where the novel has vectors. Default: they are chosen by words. */
  readonly vectorOf?: MaterialReader['vectorOf']
}

/** The prompt of a scene before it is sent. */
export interface ScenePreview extends Pick<Material['codex'], 'shared' | 'lostChanges'> {
  readonly model?: string
  /** The part whose prompt is shown, and the number of parts. */
  readonly part: number
  readonly parts: number
  /** Which prompt it is made of, and whose that is. */
  readonly prompt?: PartPrompt['prompt']
  readonly blocks: readonly PromptBlock[]
  /** How its passages were chosen; absent where none are searched. */
  readonly passageSearch?: SceneMaterial['passageSearch']
  /** Of all parts; absent without a model. */
  readonly expected?: ExpectedUse & { readonly cost?: number; readonly currency?: string }
  /** Why the task would fail. The blocks are those of a model with a larger window then. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string }
}

/** A model that takes whatever a prompt has. */
const large = { contextTokens: 2_000_000, maxOutputTokens: 8_000 }

/** Returns the prompt of a scene as it would be now. Throws SCENE_NOT_FOUND, PROMPT_INVALID, and PROVIDER_NOT_CONFIGURED for a named model that is not there. */
export async function previewScene(
  services: NovelServices,
  { userId, sceneId, request, part: wanted = 1, model: id, signal, vectorOf }: ScenePreviewRequest,
): Promise<ScenePreview> {
  const choose = () => modelsOf({ services, userId }).languageModel('prose', id)
  const model = id === undefined ? await unlessFailed('PROVIDER_NOT_CONFIGURED', choose) : choose()
  const scene = await services.library.scenes.scene(userId, sceneId)
  const asked = { scene, model: model ?? { id: '', countTokens, ...large }, request }
  const { prompts, problem, codex, passageSearch, use } = await promptScene(
    { services, userId, signal, ...defined({ vectorOf }) },
    asked,
  )
  const { shared, lostChanges } = codex
  const part = Math.min(wanted, prompts.length)
  const shown = prompts[part - 1]
  return {
    ...{ part, parts: prompts.length, blocks: shown?.blocks ?? [] },
    ...defined({ prompt: shown?.prompt }),
    ...{ shared, lostChanges },
    ...defined({ passageSearch }),
    ...(problem !== undefined && { problem: { code: problem.code, message: problem.message } }),
    ...(model !== undefined && { model: model.id, expected: priced(model, use) }),
  }
}

/** A scene of which the prompts are made, and not sent. */
interface SceneToPreview {
  readonly scene: Scene
  readonly model: PromptedModel
  readonly request: ScenePreviewRequest['request']
}

/** Returns the prompts of all parts of a scene, and what the model would use for them. */
export async function promptScene(reader: MaterialReader, { scene, model, request }: SceneToPreview) {
  const target = await readTarget(reader, scene, request)
  const prompts = await promptsFor(reader, scene.novelId)
  const asked = askedOf({ model, prompts }, target, request)
  const material = await readMaterial(reader, { novelId: scene.novelId, ...asked.material })
  const tried = tryPrompts(asked.scene, material)
  const refused =
    (await problemOf(() => refuseReference(reader, scene.novelId))) ??
    (await problemOf(() => requireBrief(request, target.brief)))
  const problem = refused ?? tried.problem
  return {
    prompts: tried.prompts,
    codex: material.codex,
    about: asked.material.about,
    passageSearch: material.passageSearch,
    use: promptsUse(model, asked.scene, tried.prompts),
    ...defined({ problem }),
  }
}

/** Returns the prompts, or, where they cannot be made, those of a model with a larger window and why. */
function tryPrompts(scene: SceneToExpect, material: Material) {
  try {
    return { prompts: expectedPrompts(scene, material), problem: undefined }
  } catch (problem) {
    if (!(problem instanceof QuillworkError)) throw problem
    const { id } = scene.model
    const model = {
      id,
      countTokens: (text: string) => scene.model.countTokens(text),
      ...large,
    }
    const mostMaterial = problem.code === 'CODEX_TOO_LARGE' ? large.contextTokens : scene.mostMaterial
    return { prompts: expectedPrompts({ ...scene, model, mostMaterial }, material), problem }
  }
}

/** Returns why the task would be refused. */
async function problemOf(check: () => Promise<void> | void): Promise<QuillworkError | undefined> {
  try {
    await check()
    return undefined
  } catch (error) {
    if (error instanceof QuillworkError) return error
    throw error
  }
}

function priced(model: LanguageModel, use: ExpectedUse) {
  const cost = model.costOf(use)
  return { ...use, ...(cost !== undefined && defined({ cost, currency: model.price?.currency })) }
}
