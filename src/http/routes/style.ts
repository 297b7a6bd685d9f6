import { type NovelStyle, readNovelStyle } from '../../novel/novel-style.ts'
import { createSharedWork } from '../../runtime/shared-work.ts'
import { type AddRoute, type NovelContext, routesOf } from '../route.ts'
import { novelParams } from '../schemas/novel.ts'
import { presentStyle, styleSchema } from '../schemas/style.ts'

/** Books that are read at the same time. */
const atOnce = 2

const addStyle: AddRoute<NovelContext> = (app, context) => {
  const running = createSharedWork<NovelStyle>(atOnce)
  routesOf<NovelContext>('novels').get('/v1/novels/:novelId/style', {
    summary: 'Count the style of a novel: sentences, dialogue, words, phrases and openings that come again',
    description:
      'Per chapter and of the whole novel. Reads all texts, which takes two to three seconds for a million words; requests for the same novel share the work. Calls no model.',
    params: novelParams,
    sends: { 200: styleSchema },
    refuses: ['NOVEL_NOT_FOUND'],
    exposeHeadRoute: false,
    handle: async ({ novels, userId }, { params: { novelId }, signal }) => {
      const read = (left: AbortSignal) => readNovelStyle(novels, { userId, novelId, signal: left })
      return presentStyle(await running.join(JSON.stringify([userId, novelId]), read, signal))
    },
  })(app, context)
}

/** The style of a novel in figures. */
export const styleRoutes = [addStyle]
