import { z } from 'zod'
import { findPlaces } from '../../novel/codex/find-places.ts'
import { importLorebook } from '../../novel/codex/import-lorebook.ts'
import { mergedFields } from '../../novel/codex/merge.ts'
import type { CodexWritten } from '../../novel/library/codex.ts'
import { defined } from '../../task/defined.ts'
import { QuillworkError } from '../../task/errors.ts'
import { hashedId } from '../../task/id.ts'
import { createdIdOf, idempotencyKeyHeader, requiredVersion, tagged } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import {
  codexEntrySchema,
  entryEditBody,
  entryOfNovelParams,
  importedSchema,
  lorebookBody,
  mergeBody,
  newEntryBody,
  placeSchema,
  placesBody,
  splitBody,
  splitSchema,
} from '../schemas/codex.ts'
import { ifMatch, pageOf, pageQuery } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'

/** Throws CODEX_ENTRY_CHANGED. */
function refuseConflict(entryId: string, { outcome, version }: CodexWritten): void {
  if (outcome === 'applied') return
  throw new QuillworkError(
    'CODEX_ENTRY_CHANGED',
    `The entry ${entryId} was changed since you read it and is now at version ${version}. Read it again.`,
    { details: { version } },
  )
}

const { get, post, patch, delete: remove } = routesOf<NovelContext>('novels')

/** Why an entry is not changed. */
const refusesChange = [
  'OPTION_INVALID',
  'IF_MATCH_INVALID',
  'IF_MATCH_REQUIRED',
  'NOVEL_NOT_FOUND',
  'SCENE_NOT_FOUND',
  'CODEX_ENTRY_NOT_FOUND',
  'CODEX_ENTRY_CHANGED',
] as const

/** The codex of a novel: its entries, their renaming, merging and splitting, what of it is in the prompt of a scene, and the import of lorebooks. */
export const codexRoutes = [
  get('/v1/novels/:novelId/codex', {
    summary: 'List the entries of the codex of a novel, in the order in which they were made',
    params: novelParams,
    querystring: pageQuery,
    sends: { 200: pageOf(codexEntrySchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND'],
    handle: ({ novels, userId }, { params, query }) =>
      novels.library.codex.entries(userId, params.novelId, defined(query)),
  }),
  post('/v1/novels/:novelId/codex', {
    summary: 'Add an entry to the codex',
    description: 'With an Idempotency-Key, a repeated request finds the first entry.',
    params: novelParams,
    headers: z.object(idempotencyKeyHeader),
    body: newEntryBody,
    sends: { 201: codexEntrySchema },
    refuses: [
      'OPTION_INVALID',
      'NOVEL_NOT_FOUND',
      'SCENE_NOT_FOUND',
      'CODEX_ENTRY_NOT_FOUND',
      'CODEX_FULL',
      'IDEMPOTENCY_KEY_REUSED',
    ],
    handle: async ({ novels, userId }, { params: { novelId }, headers, body }, reply) => {
      const entryId = createdIdOf(headers, 'codex', userId, novelId)
      await novels.library.codex.add(userId, novelId, [{ id: entryId, fields: body }])
      const entry = await novels.library.codex.entry(userId, { novelId, entryId })
      // At version 1, the entry still holds what the first request gave.
      const isOther = Object.entries(body).some(
        ([field, value]) => JSON.stringify(Reflect.get(entry, field)) !== JSON.stringify(value),
      )
      if (entry.version === 1 && isOther)
        throw new QuillworkError(
          'IDEMPOTENCY_KEY_REUSED',
          `The idempotency key belongs to entry ${entryId}, which has other fields; use a new key.`,
        )
      return tagged(reply.code(201).header('location', `/v1/novels/${novelId}/codex/${entryId}`), entry)
    },
  }),
  get('/v1/novels/:novelId/codex/:entryId', {
    summary: 'Read an entry of the codex',
    params: entryOfNovelParams,
    sends: { 200: codexEntrySchema },
    refuses: ['CODEX_ENTRY_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }, reply) =>
      tagged(reply, await novels.library.codex.entry(userId, params)),
  }),
  patch('/v1/novels/:novelId/codex/:entryId', {
    summary: 'Edit an entry of the codex',
    description:
      'The fields that are given replace those of the entry; lists are replaced as a whole. If-Match names the version that was read. If ' +
      'somebody changed the entry since, nothing is overwritten: 412.',
    params: entryOfNovelParams,
    headers: z.object(ifMatch),
    body: entryEditBody,
    sends: { 200: codexEntrySchema },
    refuses: [...refusesChange],
    handle: async ({ novels, userId }, { params, headers, body }, reply) => {
      const { codex } = novels.library
      const expectedVersion = requiredVersion(headers['if-match'], 'entry')
      refuseConflict(params.entryId, await codex.edit(userId, { ...params, expectedVersion }, defined(body)))
      return tagged(reply, await codex.entry(userId, params))
    },
  }),
  remove('/v1/novels/:novelId/codex/:entryId', {
    summary: 'Delete an entry of the codex, and the relations to it',
    description: 'If-Match names the version that was read. An entry that is gone counts as deleted.',
    params: entryOfNovelParams,
    headers: z.object(ifMatch),
    sends: { 204: z.undefined().describe('It is deleted') },
    refuses: ['IF_MATCH_INVALID', 'IF_MATCH_REQUIRED', 'NOVEL_NOT_FOUND', 'CODEX_ENTRY_CHANGED'],
    handle: async ({ novels, userId }, { params, headers }, reply) => {
      const expectedVersion = requiredVersion(headers['if-match'], 'entry')
      refuseConflict(
        params.entryId,
        await novels.library.codex.remove(userId, { ...params, expectedVersion }),
      )
      return reply.code(204).send()
    },
  }),
  post('/v1/novels/:novelId/codex/:entryId([^:]+)::merge', {
    summary: 'Have an entry of the codex take another one in',
    description:
      'Names, texts, notes, changes and relations are joined; the other entry is gone, and relations to it lead to this one, which is pinned to the scenes of the other and barred from them. If-Match names the version of ' +
      'this entry that was read.',
    params: entryOfNovelParams,
    headers: z.object(ifMatch),
    body: mergeBody,
    sends: { 200: codexEntrySchema },
    refuses: [...refusesChange],
    handle: async ({ novels, userId }, { params, headers, body }, reply) => {
      const { codex } = novels.library
      const expectedVersion = requiredVersion(headers['if-match'], 'entry')
      if (body.preview) {
        const [kept, other, { places }] = await Promise.all([
          codex.entry(userId, params),
          codex.entry(userId, { ...params, entryId: body.otherId }),
          codex.atPlace(userId, { endOf: params.novelId }),
        ])
        return { ...kept, ...mergedFields(kept, other, places) }
      }
      const other = { entryId: body.otherId, expectedVersion: body.otherVersion }
      refuseConflict(params.entryId, await codex.merge(userId, { ...params, expectedVersion, other }))
      return tagged(reply, await codex.entry(userId, params))
    },
  }),
  post('/v1/novels/:novelId/codex/:entryId([^:]+)::split', {
    summary: 'Cut an entry of the codex in two',
    description:
      'Adds the new entry and edits the one that stays. If-Match names the version that was read; a repeated request finds the new entry of the first one.',
    params: entryOfNovelParams,
    headers: z.object(ifMatch),
    body: splitBody,
    sends: { 200: splitSchema },
    refuses: [...refusesChange, 'CODEX_FULL'],
    handle: async ({ novels, userId }, { params, headers, body }) => {
      const { codex } = novels.library
      const expectedVersion = requiredVersion(headers['if-match'], 'entry')
      // The version alone does not tell two requests apart: the entry that stays may be left as it is, and keeps its version then.
      const said = JSON.stringify(body.into)
      const id = hashedId(['codex split', userId, params.entryId, expectedVersion, said].join('\n'))
      const split = {
        ...params,
        expectedVersion,
        stays: defined(body.stays),
        into: { id, fields: body.into },
      }
      refuseConflict(params.entryId, await codex.split(userId, split))
      const [stays, into] = await Promise.all([
        codex.entry(userId, params),
        codex.entry(userId, { ...params, entryId: id }),
      ])
      return { stays, into }
    },
  }),
  post('/v1/novels/:novelId/codex/:entryId([^:]+)::places', {
    summary: 'Show every place of a novel that renaming an entry would change',
    needs: 'read',
    description:
      'With the text around each, what it becomes, and why it is in doubt. Nothing is changed: RenameInNovel does that, for all places or for those that ' +
      'are chosen. A page ends with a scene; in a long novel it may have no place and not be the last.',
    params: entryOfNovelParams,
    body: placesBody,
    sends: { 200: pageOf(placeSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND', 'CODEX_ENTRY_NOT_FOUND'],
    handle: ({ novels, userId }, { params, body: { pageSize, pageToken, ...request } }) =>
      findPlaces(novels, { userId, ...params, ...request }, { pageSize, ...defined({ pageToken }) }),
  }),
  post('/v1/novels/:novelId/codex::import', {
    summary: 'Import a world info file of SillyTavern or a lorebook of NovelAI',
    description:
      'A repeated import of the same file adds nothing. What the file has and a codex has not is named in the answer.',
    params: novelParams,
    body: lorebookBody,
    sends: { 200: importedSchema },
    refuses: ['NOVEL_NOT_FOUND', 'CODEX_FULL', 'LOREBOOK_INVALID'],
    handle: ({ novels, userId }, { params: { novelId }, body }) =>
      importLorebook(novels, { userId, novelId, ...body }),
  }),
]
