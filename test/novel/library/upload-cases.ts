import { expect } from 'vitest'
import type { NewUpload } from '../../../src/novel/library/uploads.ts'
import { everyItem } from '../../../src/task/page.ts'
import { ann, type LibraryCase } from './case.ts'

function upload(id: string, more: Partial<NewUpload> = {}): NewUpload {
  return {
    id,
    userId: ann,
    fileName: `${id}.txt`,
    bytes: 3,
    location: `uploads/${id}`,
    expiresAt: 1_000_000,
    ...more,
  }
}

const notFound = { code: 'UPLOAD_NOT_FOUND' }

/** Uploads: previews belong to a user, survive a restart, expire, and are confirmed once. */
export const uploadCases: readonly LibraryCase[] = [
  {
    name: 'an upload and its preview survive a restart',
    async run(t) {
      t.now = 7
      const added = await t.library.uploads.add(upload('u'))
      expect(added).toEqual({ ...upload('u'), status: 'uploaded', createdAt: 7 })
      await t.library.uploads.saveSurvey(ann, 'u', '{"title":"书"}')
      await t.reopen()
      expect(await t.library.uploads.upload(ann, 'u')).toEqual({ ...added, survey: '{"title":"书"}' })
      expect((await t.library.uploads.uploads(ann, { pageSize: 10 })).items).toEqual([added])
      t.now = added.expiresAt
      expect(await t.library.uploads.expired(10)).toEqual([added])
    },
  },
  {
    name: "another user's upload is not found",
    async run({ library: { uploads } }) {
      await uploads.add(upload('u'))
      await expect(uploads.upload('bob', 'u')).rejects.toMatchObject(notFound)
      await expect(uploads.saveSurvey('bob', 'u', '{}')).rejects.toMatchObject(notFound)
      await expect(
        uploads.confirm('bob', 'u', { novelId: 'n', taskId: 't', expiresAt: 1 }),
      ).rejects.toMatchObject(notFound)
      await expect(uploads.add(upload('u', { userId: 'bob' }))).rejects.toMatchObject(notFound)
      expect((await uploads.uploads('bob', { pageSize: 1 })).items).toEqual([])
    },
  },
  {
    name: 'the first confirmation holds, also of many at once',
    async run({ library: { uploads } }) {
      await uploads.add(upload('u'))
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          uploads.confirm(ann, 'u', { novelId: `n${i}`, taskId: `t${i}`, expiresAt: 2_000_000 }),
        ),
      )
      const [held] = answers
      expect(held).toEqual({
        novelId: expect.stringMatching(/^n\d$/),
        taskId: expect.stringMatching(/^t\d$/),
      })
      expect(answers).toEqual(answers.map(() => held))
      expect(await uploads.upload(ann, 'u')).toMatchObject({
        status: 'confirmed',
        confirmation: held,
        expiresAt: 2_000_000,
      })
    },
  },
  {
    name: 'an upload expires, is listed for the clean-up, and is forgotten',
    async run(t) {
      const { uploads } = t.library
      await uploads.add(upload('late', { expiresAt: 300 }))
      await uploads.add(upload('early', { expiresAt: 200 }))
      await uploads.add(upload('kept'))
      t.now = 199
      expect(await uploads.expired(10)).toEqual([])
      expect(await uploads.upload(ann, 'early')).toMatchObject({ id: 'early' })
      t.now = 300
      await expect(uploads.upload(ann, 'early')).rejects.toMatchObject(notFound)
      expect((await uploads.expired(10)).map(({ id, location }) => [id, location])).toEqual([
        ['early', 'uploads/early'],
        ['late', 'uploads/late'],
      ])
      expect((await uploads.expired(1)).map(({ id }) => id)).toEqual(['early'])
      await uploads.remove('early')
      await uploads.remove('early')
      expect((await uploads.expired(10)).map(({ id }) => id)).toEqual(['late'])
      expect((await uploads.uploads(ann, { pageSize: 10 })).items.map(({ id }) => id)).toEqual(['kept'])
    },
  },
  {
    name: 'one that was confirmed is found until it is removed, and can be kept for longer',
    async run(t) {
      const { uploads } = t.library
      await uploads.add(upload('u'))
      await uploads.add(upload('other', { userId: 'bob' }))
      await uploads.confirm(ann, 'u', { novelId: 'n', taskId: 't', expiresAt: 100 })
      t.now = 100
      expect((await uploads.expired(10)).map(({ id }) => id)).toEqual(['u'])
      const found = await uploads.upload(ann, 'u')
      await uploads.keep(found, 200)
      expect(await uploads.expired(10)).toEqual([])
      expect(await uploads.upload(ann, 'u')).toEqual({ ...found, expiresAt: 200 })
      t.now = 300
      expect((await uploads.every(ann)).map(({ id }) => id)).toEqual(['u'])
      expect((await uploads.every()).map(({ id }) => id).sort()).toEqual(['other', 'u'])
      await uploads.remove('u')
      await expect(uploads.upload(ann, 'u')).rejects.toMatchObject(notFound)
      expect(await uploads.every(ann)).toEqual([])
    },
  },
  {
    name: 'uploads page newest first, each once while others arrive',
    async run({ library: { uploads } }) {
      for (let i = 0; i < 5; i++) await uploads.add(upload(`u${i}`))
      const seen: string[] = []
      for await (const { id } of everyItem(2, page => uploads.uploads(ann, page))) {
        seen.push(id)
        await uploads.add(upload(`late-${id}`))
      }
      expect(seen).toEqual(['u4', 'u3', 'u2', 'u1', 'u0'])
    },
  },
]
