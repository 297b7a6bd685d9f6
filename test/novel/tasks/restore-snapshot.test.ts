import { PermanentError } from 'quillwork'
import { restoreSnapshot } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { mostSnapshots } from '../../../src/novel/library/snapshots.ts'
import { compositions } from '../../models/compositions.ts'
import { ann, describeOn, type Writing } from '../../models/writing.ts'

describeOn(compositions, 'RestoreSnapshot', open => {
  it('gives the scenes their texts again, and the state before is a snapshot that undoes it', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const { snapshots } = w.library
    const original = await contents(w, novelId)
    await snapshots.create(ann, { id: 'then', novelId, name: 'Before the rewrite' })
    const [first, second, third] = (await w.scenes(novelId)).map(({ id }) => id)
    for (const sceneId of [first, second]) await edit(w, sceneId, `New words of ${sceneId}.`)
    const changed = await contents(w, novelId)
    const whole = await restore(w, { novelId, snapshotId: 'then' })
    expect(whole).toMatchObject({ restored: 2, unchanged: 2, left: 0 })
    expect(await contents(w, novelId)).toEqual(original)
    const before = { novelId, snapshotId: whole.beforeId }
    expect(await snapshots.snapshot(ann, before)).toMatchObject({
      name: 'Before the rewrite',
      isBeforeRestoring: true,
    })
    // One scene alone, and then all of it.
    const one = await restore(w, { ...before, sceneIds: [first ?? ''] })
    expect(one).toMatchObject({ restored: 1, unchanged: 0, left: 0 })
    expect(await contents(w, novelId)).toEqual([changed[0], ...original.slice(1)])
    await restore(w, before)
    expect(await contents(w, novelId)).toEqual(changed)
    const elsewhere = w.t.submit(restoreSnapshot, { novelId, snapshotId: third ?? '' }, { userId: ann })
    await expect(elsewhere).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  })

  it('goes on after a crash, and leaves what was written since it began', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const { snapshots } = w.library
    await snapshots.create(ann, { id: 'then', novelId, name: 'then' })
    const original = await contents(w, novelId)
    const ids = (await w.scenes(novelId)).map(({ id }) => id)
    for (const sceneId of ids) await edit(w, sceneId, `New words of ${sceneId}.`)
    // The first attempt restores half, and breaks off before its step is recorded.
    const { restore: whole } = snapshots
    vi.spyOn(snapshots, 'restore').mockImplementationOnce(async (userId, wanted) => {
      await whole(userId, { ...wanted, sceneIds: wanted.sceneIds.slice(0, 2) })
      await edit(w, ids[3], 'Written meanwhile.')
      throw new Error('The disk went away.')
    })
    const task = await w.t.submit(restoreSnapshot, { novelId, snapshotId: 'then' }, { userId: ann })
    await w.t.drain()
    await w.t.jump('20s')
    expect(await task.result()).toMatchObject({ restored: 1, unchanged: 2, left: 1 })
    expect(await contents(w, novelId)).toEqual([...original.slice(0, 3), 'Written meanwhile.'])
  })

  it('begins anew where it is tried again with another snapshot', async () => {
    await using w = await open()
    const novelId = await w.novel(2)
    const { snapshots } = w.library
    const ids = (await w.scenes(novelId)).map(({ id }) => id)
    const states: string[][] = []
    for (const id of ['first', 'second', 'third']) {
      await snapshots.create(ann, { id, novelId, name: id })
      states.push([...(await contents(w, novelId))])
      for (const sceneId of ids) await edit(w, sceneId, `What ${sceneId} was after the ${id}.`)
    }
    const [first, second] = states
    const { restore: whole } = snapshots
    vi.spyOn(snapshots, 'restore').mockImplementationOnce(async (userId, wanted) => {
      await whole(userId, { ...wanted, sceneIds: wanted.sceneIds.slice(0, 3) })
      throw new PermanentError('The disk went away for good.')
    })
    const task = await w.t.submit(restoreSnapshot, { novelId, snapshotId: 'first' }, { userId: ann })
    await w.t.drain()
    const between = await contents(w, novelId)
    expect(between.slice(0, 3)).toEqual(first?.slice(0, 3))
    await w.t.tasks.retry(task.taskId, { parameters: { novelId, snapshotId: 'second' } })
    await w.t.drain()
    const result = await task.result()
    expect(result).toMatchObject({ restored: 4, unchanged: 0, left: 0 })
    expect(await contents(w, novelId)).toEqual(second)
    await restore(w, { novelId, snapshotId: result.beforeId })
    expect(await contents(w, novelId)).toEqual(between)
  })

  it('is refused where there is no place for the snapshot that undoes it', async () => {
    await using w = await open()
    const novelId = await w.novel(1)
    const { snapshots } = w.library
    for (let at = 0; at < mostSnapshots; at++)
      await snapshots.create(ann, { id: `s${at}`, novelId, name: `s${at}` })
    const submit = () => w.t.submit(restoreSnapshot, { novelId, snapshotId: 's0' }, { userId: ann })
    await expect(submit()).rejects.toMatchObject({ code: 'SNAPSHOTS_FULL' })
    await snapshots.remove(ann, { novelId, snapshotId: 's1' })
    await submit()
  })
})

async function contents(w: Writing, novelId: string): Promise<readonly string[]> {
  return (await w.scenes(novelId)).map(({ content }) => content)
}

async function edit(w: Writing, sceneId = '', content = ''): Promise<void> {
  const { version: expectedVersion } = await w.scene(sceneId)
  await w.library.scenes.editScene(ann, { sceneId, expectedVersion, content })
}

async function restore(w: Writing, asked: { novelId: string; snapshotId: string; sceneIds?: string[] }) {
  const task = await w.t.submit(restoreSnapshot, asked, { userId: ann })
  await w.t.drain()
  return task.result()
}
