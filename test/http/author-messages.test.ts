import fc from 'fast-check'
import { defineTask, type ErrorCode, errorCatalogue, QuillworkError } from 'quillwork'
import { createApp } from 'quillwork/http'
import { testEngine } from 'quillwork/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { authorMessage, languageOf } from '../../src/http/author-messages/author-messages.ts'
import { english } from '../../src/http/author-messages/en.ts'
import { chinese } from '../../src/http/author-messages/zh.ts'
import { askingOf } from './api.ts'

const codes = Object.keys(english)

describe('the messages for authors', () => {
  test('are there for every error of a model and for those that an author can do something about', () => {
    const ofModels = Object.keys(errorCatalogue).filter(code => code.startsWith('MODEL_'))
    const others = [
      'BUDGET_EXHAUSTED',
      'NOVEL_IS_REFERENCE',
      'PREDECESSOR_NOT_COMPLETED',
      'PROVIDER_NOT_CONFIGURED',
      'SCENE_EMPTY',
      'SCENE_NOT_FOUND',
      'SCENE_CHANGED',
      'CODEX_TOO_LARGE',
      'SELECTION_NOT_FOUND',
    ]
    const ofFiles = ['KIND_UNSUPPORTED', 'PROTECTED', 'DAMAGED', 'LIMIT_EXCEEDED'].map(code => `FILE_${code}`)
    expect(codes.toSorted()).toEqual([...ofModels, ...others, ...ofFiles, 'ENCODING_FIXED'].toSorted())
    expect(Object.keys(chinese), 'the same in both languages, in the same order').toEqual(codes)
  })

  test.each(codes)('%s is whole sentences, each in its language', code => {
    expect(authorMessage(code, 'en')).toMatch(/^[A-Z][^一-鿿]+\.$/)
    expect(authorMessage(code, 'zh')).toMatch(/^[一-鿿][^a-zA-Z]+。$/)
    for (const text of [authorMessage(code, 'en'), authorMessage(code, 'zh')])
      expect(text, 'no codes, no numbers of HTTP').not.toMatch(/[A-Z]{2}|\d|HTTP/)
  })

  test('say that it goes on by itself only where it does', () => {
    for (const [code, text] of Object.entries(english)) {
      const { retryable } = errorCatalogue[code as ErrorCode]
      if (code === 'BUDGET_EXHAUSTED') continue
      expect(/by itself/.test(text), code).toBe(retryable)
      expect(/自动/.test(authorMessage(code, 'zh') ?? ''), code).toBe(retryable)
    }
  })

  test('are not there for what concerns the server', () => {
    expect(authorMessage('STORE_FULL', 'en')).toBeUndefined()
    expect(authorMessage('toString', 'zh')).toBeUndefined()
  })
})

describe('the language of a request', () => {
  test.each([
    [undefined, 'en'],
    ['', 'en'],
    ['zh', 'zh'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    ['en-GB, zh;q=0.9', 'en'],
    ['fr, zh;q=0.3, en;q=0.2', 'zh'],
    ['fr', 'en'],
    ['ZH-Hant-TW', 'zh'],
    ['zh;q=0', 'en'],
    ['en;q=0.1,zh;q=1.0', 'zh'],
    ['*', 'en'],
  ] as const)('%j is %s', (header, language) => {
    expect(languageOf(header)).toBe(language)
  })

  test('is one of ours whatever the header', () => {
    const parts = fc.array(fc.constantFrom('zh', 'en', '-', ';', 'q=', '0.5', ',', ' ', '1', '\u0000'))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          parts.map(all => all.join('')),
        ),
        header => ['en', 'zh'].includes(languageOf(header)),
      ),
    )
  })
})

/** Fails with the code that it is given; refuses another code at the door. */
const failing = defineTask({
  type: 'Failing',
  parameters: z.object({ code: z.string(), atTheDoor: z.boolean().default(false) }),
  result: z.null(),
  retry: { maxAttempts: 1 },
  admit({ code, atTheDoor }) {
    if (atTheDoor) throw new QuillworkError(code as ErrorCode, 'refused')
  },
  async execute({ parameters: { code } }) {
    throw new QuillworkError(code as ErrorCode, 'it went wrong')
  },
})

/** Completes without some of what it was to make. */
const partial = defineTask({
  type: 'Partial',
  parameters: z.object({ code: z.string() }),
  result: z.object({ failed: z.array(z.object({ code: z.string(), message: z.string() })) }),
  execute: async ({ parameters: { code } }) => ({ failed: [{ code, message: 'one of them went wrong' }] }),
})

interface TaskBody {
  id: string
  errorInfo: { message: string; authorMessage?: string }
  deadLetter: { error: { authorMessage?: string } }
}

async function api() {
  const engine = await testEngine({ tasks: [failing, partial] })
  const asking = await askingOf(createApp({ engine }))
  return {
    ...asking,
    async fail(code: ErrorCode, taskType = 'Failing') {
      const { body } = await asking.post<{ id: string }>('/v1/tasks', { taskType, parameters: { code } })
      await engine.drain()
      return body.id
    },
    async [Symbol.asyncDispose]() {
      await asking.app.close()
      await engine[Symbol.asyncDispose]()
    },
  }
}

describe('the API', () => {
  test('tells a task’s error for the author too, in the language of the request', async () => {
    await using served = await api()
    const id = await served.fail('MODEL_ANSWER_FILTERED')
    const read = (language: string) =>
      served.ask<TaskBody>(`/v1/tasks/${id}`, { headers: { 'accept-language': language } })
    const [inEnglish, inChinese] = [await read('en'), await read('zh-CN')]
    expect(inEnglish.body.errorInfo).toMatchObject({
      message: 'it went wrong',
      authorMessage: english.MODEL_ANSWER_FILTERED,
    })
    expect(inChinese.body.errorInfo.authorMessage).toBe(chinese.MODEL_ANSWER_FILTERED)
    expect(inChinese.body.deadLetter.error.authorMessage).toBe(chinese.MODEL_ANSWER_FILTERED)
    expect(inChinese.headers.get('vary')).toBe('accept-language')
    const page = await served.ask<{ items: TaskBody[] }>('/v1/tasks', {
      headers: { 'accept-language': 'zh' },
    })
    expect(page.body.items[0]?.errorInfo.authorMessage).toBe(chinese.MODEL_ANSWER_FILTERED)
  })

  test('tells for the author too what a task did without', async () => {
    await using served = await api()
    const id = await served.fail('MODEL_ANSWER_FILTERED', 'Partial')
    const { body } = await served.ask(`/v1/tasks/${id}`, { headers: { 'accept-language': 'zh' } })
    expect(body).toMatchObject({
      status: 'COMPLETED',
      result: {
        failed: [{ message: 'one of them went wrong', authorMessage: chinese.MODEL_ANSWER_FILTERED }],
      },
    })
  })

  test('tells a refusal for the author too', async () => {
    await using served = await api()
    const parameters = { code: 'PROVIDER_NOT_CONFIGURED', atTheDoor: true }
    const { status, body } = await served.post(
      '/v1/tasks',
      { taskType: 'Failing', parameters },
      { 'accept-language': 'zh' },
    )
    expect([status, body]).toEqual([
      409,
      expect.objectContaining({ detail: 'refused', authorMessage: chinese.PROVIDER_NOT_CONFIGURED }),
    ])
  })

  test('says nothing to the author of what concerns the server', async () => {
    await using served = await api()
    const id = await served.fail('STORE_FULL')
    const { body } = await served.ask<TaskBody>(`/v1/tasks/${id}`)
    expect(body.errorInfo).not.toHaveProperty('authorMessage')
  })
})
