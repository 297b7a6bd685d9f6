import { sceneBrief } from 'quillwork/novel'
import { describe, expect, it } from 'vitest'
import { findNames } from '../../../src/novel/names.ts'
import { beatsOf } from '../../../src/novel/scene-brief.ts'
import { ann, novelEngine } from './novel-engine.ts'

const book = [
  'The Mill',
  '',
  'Chapter 1',
  '',
  '"You may go," said Berit to Mr. Pell. They met at Hollow Bridge, where Berit kept the lantern. Mr. Pell had come from Marram, and the road to Marram was long.',
  '',
  '* * *',
  '',
  'Berit hid the letter under a stone of Hollow Bridge. Nobody in Marram knew of the letter.',
  '',
  'Chapter 2',
  '',
  'The next scene is not written.',
].join('\n')
const summary =
  'At dawn Berit goes to Hollow Bridge; she finds the letter gone. Inspector Quill has taken it.'

describe('SceneBrief', () => {
  it('says what it is, and gives what the novel has: beats, names, passages with their places, questions', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(book)
    const [first, second, last] = await n.scenes(novelId)
    const sceneId = last?.id ?? ''
    await n.library.scenes.editScene(ann, { sceneId, expectedVersion: 1, summary })
    const task = await n.t.submit(sceneBrief, { novelId, sceneId }, { userId: ann })
    await n.t.drain()
    const brief = await task.result()
    expect(brief).toMatchObject({
      sceneId,
      label: 'writing brief, not generated prose',
      method: 'extractive',
      language: 'en',
      beats: [
        'At dawn Berit goes to Hollow Bridge;',
        'she finds the letter gone.',
        'Inspector Quill has taken it.',
      ],
      places: ['Hollow Bridge', 'Marram'],
    })
    expect(brief.people.slice(0, 1)).toEqual(['Berit'])
    expect(brief.people).toContain('Mr. Pell')
    expect(brief.passages.map(passage => passage.sceneId).sort()).toEqual([first?.id, second?.id].sort())
    const texts = new Map((await n.scenes(novelId)).map(scene => [scene.id, scene.content]))
    for (const { sceneId: from, start, end, text } of brief.passages)
      expect(texts.get(from)?.slice(start, end).trim()).toBe(text)
    expect(brief.openQuestions).toEqual([
      expect.stringMatching(/Inspector Quill/),
      'How does it follow from the scene before?',
    ])
    // Nothing in the novel was touched.
    expect((await n.library.scenes.scene(ann, sceneId)).content).toBe('The next scene is not written.')
    expect(await n.t.tasks.usage(task.taskId)).toEqual([])
  })

  it('asks in Chinese for a Chinese novel', async () => {
    await using n = await novelEngine()
    const text =
      '第一回 石桥\n\n杜梅说：“你回去吧。”沈禾在钟楼等她。杜梅道：“我不走。”\n\n第二回 信\n\n未写。'
    const novelId = await n.importText(text)
    const sceneId = (await n.scenes(novelId))[1]?.id ?? ''
    const task = await n.t.submit(
      sceneBrief,
      { novelId, sceneId, summary: '杜梅发现了信。' },
      { userId: ann },
    )
    await n.t.drain()
    const brief = await task.result()
    expect(brief).toMatchObject({ language: 'zh', beats: ['杜梅发现了信。'] })
    expect(brief.people).toContain('杜梅')
    expect(brief.openQuestions).toContain('发生在什么时候？梗概没有交代时间。')
  })

  it('is refused where there is no summary, and does not find the scene of another user', async () => {
    await using n = await novelEngine()
    const novelId = await n.importText(book)
    const sceneId = (await n.scenes(novelId))[0]?.id ?? ''
    const submit = (userId: string) => n.t.submit(sceneBrief, { novelId, sceneId }, { userId })
    await expect(submit(ann)).rejects.toMatchObject({ code: 'SCENE_EMPTY' })
    await expect(submit('bob')).rejects.toMatchObject({ code: 'SCENE_NOT_FOUND' })
  })

  it('says that it has no passages where the novel has no index', async () => {
    await using n = await novelEngine({
      faults: ({ index }) => ({
        index: { ...index, search: async () => ({ index: 'none', outOfDateScenes: 0, total: 0, hits: [] }) },
      }),
    })
    const novelId = await n.importText(book)
    const sceneId = (await n.scenes(novelId))[2]?.id ?? ''
    const task = await n.t.submit(sceneBrief, { novelId, sceneId, summary }, { userId: ann })
    await n.t.drain()
    expect((await task.result()).passages).toEqual([])
  })
})

describe('beats', () => {
  it('are the sentences of the summary, in its words', () => {
    expect(beatsOf(' One.  Two;\nthree!\n\n… 他走了；她留下。')).toEqual([
      'One.',
      'Two;',
      'three!',
      '… 他走了；',
      '她留下。',
    ])
  })
})

describe('names', () => {
  it('are found in English where only names have capitals', () => {
    const text = `"No," said Mr. Darcy. Elizabeth looked at Mr. Darcy, and Elizabeth smiled. They came from London to Netherfield House. However, the night was cold. I'll go, said I. THE END.`
    expect(findNames([text])).toEqual({
      people: ['Mr. Darcy', 'Elizabeth'],
      places: ['London', 'Netherfield House'],
      others: [],
    })
  })

  it('are no days of the week, and no place because somebody is looked at, or spoken to', () => {
    const text =
      'It was Fridays that Berit feared. On that day Berit looked at the Keeper. Each Friday, in Anderby, Berit spoke to the Keeper of the Keeper.'
    expect(findNames([text])).toEqual({ people: ['Berit'], places: ['Anderby'], others: ['Keeper'] })
  })

  it('are found in Chinese by who speaks and where one goes', () => {
    const text =
      '玄德曰：“善。”张飞大怒曰：“不可！”曹操引兵至徐州。众人曰：“是。”玄德大笑曰：“走。”玄德回徐州，又往徐州。'
    expect(findNames([text])).toMatchObject({ people: ['玄德', '张飞'], places: ['徐州'] })
  })

  it('are none in a text without any', () => {
    expect(findNames(['the rain fell.', ''])).toEqual({ people: [], places: [], others: [] })
  })
})
