import { vectorize } from 'quillwork/novel'
import { expect, it } from 'vitest'
import { createModelCatalogue } from '../../../src/ai/catalogue.ts'
import { createEmbeddingModel } from '../../../src/ai/providers/embedding-model.ts'
import { searchNovel } from '../../../src/novel/search-novel.ts'
import { describeWithEmbeddings, embeddingsServer } from '../../servers/embeddings.ts'
import { ann, modelConfig, novelEngine } from '../tasks/novel-engine.ts'

const book = `三个故事

第一回 草庐

大雪纷飞，刘备带着两个兄弟又一次来到隆中，在茅屋外恭敬地站着，等先生睡醒。前两次他都没有见到人。

第二回 赤壁

东南风起，黄盖的船装满干草和油，直冲北岸。一时间江上一片火海，曹军的战船连在一起，烧得干干净净。

第三回 桃园

花开正盛，三人备下黑牛白马，焚香跪拜，发誓同生共死，从此以兄弟相称。

第四回 空城

城门大开，只有几个老兵扫地。他在城楼上弹琴，司马懿看了半天，怕有埋伏，下令退兵。
`

/** In another language than the text: not a word leads there. */
const queries = [
  ['Liu Bei visits Zhuge Liang three times at his cottage in the snow', '第一回 草庐'],
  ['the enemy fleet is burnt on the river', '第二回 赤壁'],
  ['three men swear an oath to be brothers', '第三回 桃园'],
  ['he plays the lute on the wall of an empty city and the general retreats', '第四回 空城'],
] as const

describeWithEmbeddings("an OpenAI-compatible embeddings server of somebody else's", () => {
  it('makes an index in which a passage is found from another language', { timeout: 120_000 }, async () => {
    await using server = await embeddingsServer()
    const { baseUrl, dimensions } = server
    const config = modelConfig({
      model: 'e5-passage',
      query: { model: 'e5-query' },
      uses: ['embedding'],
      baseUrl,
      dimensions,
    })
    const models = createModelCatalogue({
      configured: [{ id: 'e5', config }],
      open: {
        language: () => {
          throw new Error('It writes no texts.')
        },
        embedding: ({ id }) => createEmbeddingModel(id, config, { key: undefined }),
      },
    })
    await using n = await novelEngine({ models })
    const novelId = await n.importText(book)
    const task = await n.t.submit(vectorize, { novelId }, { userId: ann })
    await n.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ index: 'hybrid', model: 'e5', dimensions: 384, passages: 4 })
    expect(result.usage?.inputTokens).toBeGreaterThan(100)
    for (const [query, chapter] of queries) {
      const services = { ...n.services, models, limiter: n.t.limiter }
      const answer = await searchNovel(services, { userId: ann, novelId, query, limit: 2 })
      expect(answer).toMatchObject({ index: 'hybrid', model: 'e5', hits: [{ chapterTitle: chapter }, {}] })
      const words = await n.library.index.search(ann, novelId, { query })
      expect(words).toMatchObject({ index: 'lexical', hits: [] })
    }
  })
})
