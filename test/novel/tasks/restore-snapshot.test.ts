import { restoreSnapshot } from 'quillwork/novel'
import { expect, it, vi } from 'vitest'
import { compositions } from '../../models/compositions.ts'
import { ann, describeOn, type Writing } from '../../models/writing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

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
