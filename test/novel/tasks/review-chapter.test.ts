import { hashedId } from 'quillwork'
import { reviewChapter } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { ann, describeWriting } from '../../models/writing.ts'

describeWriting('ReviewChapter', open => {
  it('fails at a rejection, also where its process ends before it has, and waits for another decision when it is retried', async () => {
    await using w = await open({ persistent: true })
    const asked = { novelId: await w.novel(1), chapterId: hashedId('chapter') }
    const { taskId } = await w.t.submit(reviewChapter, asked, { userId: ann })
    await w.t.drain()
    const { tasks } = w.t.store
    const apply = tasks.apply.bind(tasks)
    // The process ends while its task is settled.
    vi.spyOn(tasks, 'apply').mockImplementation(async changes =>
      changes.some(({ name }) => name === 'failed') ? new Promise(() => undefined) : apply(changes),
    )
    await w.t.signal(taskId, 'review', { decision: 'reject' })
    await w.t.advance('1s')
    await w.t.crash()
    await w.t.advance('3m')
    const failed = { status: 'FAILED', errorInfo: { code: 'CHAPTER_REJECTED' } }
    expect(await w.t.tasks.get(taskId)).toMatchObject(failed)
    await w.t.tasks.retry(taskId)
    await w.t.drain()
    expect(await w.t.tasks.get(taskId)).toMatchObject({ waits: [{ signal: 'review' }] })
    await w.t.signal(taskId, 'review', { decision: 'approve' })
    await w.t.drain()
    expect(await w.t.tasks.get(taskId)).toMatchObject({ status: 'COMPLETED' })
  })
})
