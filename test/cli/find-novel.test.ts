import { QuillworkError } from 'quillwork'
import { expect, test } from 'vitest'
import { createClient } from '../../src/cli/client.ts'
import { findNovel } from '../../src/cli/find-novel.ts'

/** A client of a shelf with so many novels, fifty to a page. */
function shelf(titles: readonly string[]) {
  const pages = { pageSize: 50 }
  const get = async (path: string, query: { pageToken?: string } = {}) => {
    const id = /^\/v1\/novels\/(.+)$/.exec(path)?.[1]
    if (id !== undefined) {
      if (!id.startsWith('id-')) throw new QuillworkError('NOVEL_NOT_FOUND', `There is no novel ${id}.`)
      return { id }
    }
    const from = Number(query.pageToken ?? 0)
    const items = titles
      .slice(from, from + pages.pageSize)
      .map((title, at) => ({ id: `id-${from + at}`, title }))
    const next = from + pages.pageSize
    return next < titles.length ? { items, nextPageToken: `${next}` } : { items }
  }
  return { ...createClient({ url: 'http://127.0.0.1:9' }), get } as ReturnType<typeof createClient>
}

test('a novel is found by its title however many are newer, and where the title looks like an id', async () => {
  const client = shelf([...Array.from({ length: 260 }, (_, at) => `Book ${at}`), 'the-salt-ledger-revised'])
  expect(await findNovel(client, 'salt')).toEqual({ id: 'id-260' })
  expect(await findNovel(client, 'the-salt-ledger-revised')).toEqual({ id: 'id-260' })
  const nobody = 'nobody-knows-this-novel'
  await expect(findNovel(client, nobody)).rejects.toThrow(`There is no novel ${nobody}.`)
})

test.each(['', ' '])('a blank title %j finds no novel, also where there is only one', async given => {
  await expect(findNovel(shelf(['The Salt Ledger']), given)).rejects.toMatchObject({ code: 'USAGE_INVALID' })
})
