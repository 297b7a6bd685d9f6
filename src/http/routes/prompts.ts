import { z } from 'zod'
import type { NovelPrompts } from '../../novel/library/prompts.ts'
import {
  loadPrompts,
  type OwnPrompt,
  type PromptKey,
  promptLanguages,
  promptNames,
  readOwnPrompt,
  slotsOf,
} from '../../novel/prompts/prompts.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { etagOf, requiredVersion } from '../request-headers.ts'
import { type Asker, type NovelContext, routesOf } from '../route.ts'
import { ifMatch } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'
import { promptBody, promptParams, promptsSchema } from '../schemas/prompts.ts'

const { get, put, delete: remove } = routesOf<NovelContext>('novels')

const refuses = ['IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'NOVEL_NOT_FOUND', 'PROMPTS_CHANGED'] as const

/** The prompts of a novel, its own and those of the server. */
export const promptRoutes = [
  get('/v1/novels/:novelId/prompts', {
    summary: 'List the prompts that texts of a novel are written and summarised by',
    params: novelParams,
    sends: { 200: promptsSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: ({ novels, userId }, { params: { novelId } }, reply) =>
      sendPrompts(novels, reply, { userId, novelId }),
  }),
  put('/v1/novels/:novelId/prompts/:promptId', {
    summary: 'Write a prompt of a novel, in place of that of the server',
    description:
      'It is checked first: 422 for a slot that is unknown or missing. If-Match names the version of the list that was read, `"0"` where the novel never ' +
      'had one. If somebody changed it since, nothing is overwritten: 412. Try a text before, with `:preview` of a scene and GenerateScene.',
    params: promptParams,
    headers: z.object(ifMatch),
    body: promptBody,
    sends: { 200: promptsSchema },
    refuses: [...refuses, 'PROMPT_INVALID'],
    handle: (context, { params, headers, body }, reply) => change(context, reply, { params, headers, body }),
  }),
  remove('/v1/novels/:novelId/prompts/:promptId', {
    summary: 'Use the prompt of the server for a novel again',
    params: promptParams,
    headers: z.object(ifMatch),
    sends: { 200: promptsSchema },
    refuses,
    handle: (context, { params, headers }, reply) => change(context, reply, { params, headers }),
  }),
]

type Reply = { header(name: string, value: string): unknown }

/** A change of a prompt; without a body it is removed. */
interface Asked {
  readonly params: z.output<typeof promptParams>
  readonly headers: { 'if-match'?: string | undefined }
  readonly body?: z.output<typeof promptBody>
}

async function change(
  { novels, userId }: NovelContext & Asker,
  reply: Reply,
  { params: { novelId, promptId }, headers, body }: Asked,
) {
  const expectedVersion = requiredVersion(headers['if-match'], 'list of prompts')
  const set = { ...keyOf(promptId), ...defined({ text: body?.text }), expectedVersion }
  const { outcome, version } = await novels.library.prompts.set(userId, novelId, set)
  if (outcome === 'conflict')
    throw new QuillworkError(
      'PROMPTS_CHANGED',
      `The prompts of the novel were changed since you read them and are now at version ${version}. Read them again.`,
      { details: { version } },
    )
  return sendPrompts(novels, reply, { userId, novelId })
}

async function sendPrompts(
  { library, promptsFolder }: NovelContext['novels'],
  reply: Reply,
  { userId, novelId }: { userId: string; novelId: string },
): Promise<z.input<typeof promptsSchema>> {
  const own = await library.prompts.read(userId, novelId)
  reply.header('etag', etagOf(own.version))
  return { version: own.version, items: keys.map(key => presentPrompt(key, promptsFolder, own)) }
}

const keys = promptNames.flatMap(name => promptLanguages.map(language => ({ name, language })))

function idOf({ name, language }: PromptKey) {
  return `${name}.${language}` as const
}

function keyOf(promptId: string): PromptKey {
  const key = keys.find(each => idOf(each) === promptId)
  if (key === undefined) throw new QuillworkError('INTERNAL', `There is no prompt ${promptId}.`)
  return key
}

function presentPrompt(key: PromptKey, folder: string | undefined, { prompts }: NovelPrompts) {
  const usual = loadPrompts(folder)(key.name, key.language)
  const own = prompts.find(each => each.name === key.name && each.language === key.language)
  return {
    ...{ id: idOf(key), ...key, description: usual.description, slots: [...slotsOf(key.name)] },
    ...(own === undefined
      ? { from: usual.from === 'server' ? ('server' as const) : ('product' as const), text: usual.text }
      : {
          from: 'novel' as const,
          text: own.text,
          usual: usual.text,
          ...defined({ problem: problemOf(own) }),
        }),
  }
}

/** What an update of the product, or another program, left unusable. */
function problemOf(own: OwnPrompt): string | undefined {
  try {
    readOwnPrompt(own, 'novel')
    return undefined
  } catch (error) {
    if (error instanceof QuillworkError) return error.message
    throw error
  }
}
