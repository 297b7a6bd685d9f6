import { z } from 'zod'
import type { NovelLibrary } from '../../novel/library/library.ts'
import { wantedOf } from '../../novel/update-summaries.ts'
import { QuillworkError } from '../../task/errors.ts'
import { requiredVersion, tagged } from '../request-headers.ts'
import { type NovelContext, routesOf } from '../route.ts'
import { ifMatch } from '../schemas/fields.ts'
import { novelParams } from '../schemas/novel.ts'
import {
  presentUnit,
  presentUnitSummary,
  unitEditBody,
  unitParams,
  unitSummarySchema,
  unitsSchema,
} from '../schemas/summaries.ts'

const { get, put } = routesOf<NovelContext>('novels')

/** The summaries of chapters, volumes and the book: their states, one to read, one in a person's words. */
export const summaryRoutes = [
  get('/v1/novels/:novelId/summaries', {
    summary: 'List which summaries of chapters, volumes and the book are there, and which are out of date',
    description: 'UpdateSummaries makes those that are missing or out of date.',
    params: novelParams,
    sends: { 200: unitsSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    handle: async ({ novels, userId }, { params: { novelId } }) => {
      const outline = await novels.library.levels.outline(userId, novelId)
      const { scenes, units } = wantedOf(outline)
      return { outOfDate: scenes.length + units.length, items: outline.units.map(presentUnit) }
    },
  }),
  get('/v1/novels/:novelId/summaries/:unitId', {
    summary: 'Read the summary of a chapter, a volume or the book',
    params: unitParams,
    sends: { 200: unitSummarySchema },
    refuses: ['NOVEL_NOT_FOUND', 'CHAPTER_NOT_FOUND'],
    handle: async ({ novels, userId }, { params }, reply) =>
      tagged(reply, await readUnit(novels.library, userId, params)),
  }),
  put('/v1/novels/:novelId/summaries/:unitId', {
    summary: 'Write the summary of a chapter, a volume or the book yourself',
    description:
      'No task overwrites it, also where it is out of date; saving it again says that it is right. If-Match names the version that was read, `"0"` ' +
      'where there is none. If somebody changed it since, nothing is overwritten: 412.',
    params: unitParams,
    headers: z.object(ifMatch),
    body: unitEditBody,
    sends: { 200: unitSummarySchema },
    refuses: [
      'OPTION_INVALID',
      'IF_MATCH_INVALID',
      'IF_MATCH_REQUIRED',
      'NOVEL_NOT_FOUND',
      'CHAPTER_NOT_FOUND',
      'SUMMARY_CHANGED',
    ],
    handle: async ({ novels, userId }, { params, headers, body: { text } }, reply) => {
      const expectedVersion = requiredVersion(headers['if-match'], 'summary')
      const { library } = novels
      const { outcome, version } = await library.levels.edit(userId, { ...params, text, expectedVersion })
      if (outcome === 'conflict')
        throw new QuillworkError(
          'SUMMARY_CHANGED',
          `The summary was changed since you read it and is now at version ${version}. Read it again.`,
          { details: { version } },
        )
      return tagged(reply, await readUnit(library, userId, params))
    },
  }),
]

/** Throws NOVEL_NOT_FOUND, CHAPTER_NOT_FOUND. */
async function readUnit(
  { levels }: NovelLibrary,
  userId: string,
  { novelId, unitId }: z.infer<typeof unitParams>,
) {
  const unit = await levels.unit(userId, { novelId, unitId })
  return presentUnitSummary(unit, (await levels.summaries(userId, novelId, [unitId])).get(unitId))
}
