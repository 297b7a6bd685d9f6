import { z } from 'zod'
import { listFindings } from '../../novel/codex/findings.ts'
import { listProposals } from '../../novel/codex/proposals.ts'
import { defined } from '../../task/defined.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { dismissBody, findingSchema, proposedSchema, restoreBody } from '../schemas/codex.ts'
import { id, pageOf, pageQuery } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'

const { get, post } = routesOf<NovelContext>('novels')

/** What speaks against the text, and names that no entry has: found by code, and by models that read the scenes; and what of it is not to be shown again. */
export const codexFindingRoutes = [
  get('/v1/novels/:novelId/codex-findings', {
    summary: 'Check the text of a novel against its codex',
    description:
      'At once, without a model; with what the task CheckCodex found, as long as text and entry have what it quotes. A page has the findings of so many scenes as pageSize says, in reading order: it may have none and not be the last.',
    params: novelParams,
    querystring: pageQuery,
    sends: { 200: pageOf(findingSchema) },
    refuses: ['PAGE_TOKEN_INVALID', 'NOVEL_NOT_FOUND'],
    handle: ({ novels, userId }, { params: { novelId }, query }) =>
      listFindings(novels, { userId, novelId }, defined(query)),
  }),
  get('/v1/novels/:novelId/codex-proposals', {
    summary: 'Propose entries of the codex: names that the text has and no entry does',
    description:
      'First what the task ProposeCodexEntries found. Then names that patterns find, without a model and without a dictionary, in the first 400,000 characters from a chapter on; not complete, and not all of them right.',
    params: novelParams,
    querystring: z.strictObject({
      startChapterId: id.optional().describe('Of the patterns; default: the first chapter'),
    }),
    sends: { 200: proposedSchema },
    refuses: ['NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId }, query }) => ({
      items: await listProposals(novels, { userId, novelId, ...defined(query) }),
    }),
  }),
  post('/v1/novels/:novelId/codex::dismiss', {
    summary: 'Have a finding that is intended, or a name that is to become no entry, not shown again',
    params: novelParams,
    body: dismissBody,
    sends: { 204: z.undefined().describe('It is dismissed') },
    refuses: ['NOVEL_NOT_FOUND', 'CODEX_FULL'],
    handle: async ({ novels, userId }, { params: { novelId }, body }, reply) => {
      await novels.library.codex.dismiss(userId, novelId, body)
      return reply.code(204).send()
    },
  }),
  post('/v1/novels/:novelId/codex::restore', {
    summary: 'Take a dismissal back',
    params: novelParams,
    body: restoreBody,
    sends: { 204: z.undefined().describe('It is shown again') },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId }, body }, reply) => {
      await novels.library.codex.restore(userId, novelId, body)
      return reply.code(204).send()
    },
  }),
]
