import { describe, expect, it } from 'vitest'
import { escaped } from './epub-writer.ts'
import { prose, read } from './reading.ts'
import { type ZipFile, zip } from './zip-writer.ts'

interface Item {
  readonly title: string
  readonly text?: string
  readonly type?: string
  readonly compiled?: 'Yes' | 'No'
  readonly notes?: string
  readonly below?: readonly Item[]
}

/** A project packed as a folder: its draft, and a folder of research beside it. */
function project(
  draft: readonly Item[],
  { folder = 'The Weir.scriv/', name = 'The Weir.scrivx' } = {},
): ZipFile[] {
  const files: ZipFile[] = []
  let next = 0
  const itemXml = ({ title, text, type, compiled, notes, below }: Item): string => {
    const id = `ABC-${next++}`
    const data = `${folder}Files/Data/${id}/`
    if (text !== undefined)
      files.push({
        name: `${data}content.rtf`,
        content: `{\\rtf1\\ansi\\ansicpg1252{\\fonttbl\\f0 A;}\\f0 ${text.replace(/\n+/g, '\\par ')}}`,
      })
    if (notes !== undefined) files.push({ name: `${data}notes.rtf`, content: `{\\rtf1 ${notes}}` })
    const meta = compiled === undefined ? '' : `<IncludeInCompile>${compiled}</IncludeInCompile>`
    const children = below === undefined ? '' : `<Children>${below.map(itemXml).join('')}</Children>`
    return `<BinderItem UUID="${id}" Type="${type ?? (below === undefined ? 'Text' : 'Folder')}"><Title>${escaped(title)}</Title><MetaData>${meta}</MetaData>${children}</BinderItem>`
  }
  const binder = [
    { title: 'Manuscript', type: 'DraftFolder', below: draft },
    { title: 'Research', type: 'ResearchFolder', below: [{ title: 'Map', text: 'Research.' }] },
  ].map(itemXml)
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<ScrivenerProject Version="2.0"><Binder>${binder.join('')}</Binder><Labels><Title>Label</Title></Labels></ScrivenerProject>`
  return [
    { name: `__MACOSX/${folder}._${name}`, content: 'x' },
    ...files,
    { name: folder + name, content: xml },
  ]
}

const scene = (seed: number, more: Partial<Item> = {}): Item => ({
  title: `Scene ${seed}`,
  text: prose(seed),
  ...more,
})
const folder = (title: string, ...below: readonly Item[]): Item => ({ title, below })
const of = (draft: readonly Item[], where?: { folder: string; name: string }) =>
  read(zip(project(draft, where)), 'backup.zip')

describe('a Scrivener project', () => {
  it.each<[string, readonly Item[], Record<string, string[]>, number[]]>([
    [
      'folders of scenes',
      [folder('Mist', scene(1), scene(2)), folder('Ice & Snow', scene(3))],
      { '': ['Mist', 'Ice & Snow'] },
      [2, 1],
    ],
    [
      'parts of chapters',
      [
        folder('Part One', folder('Mist', scene(1), scene(2)), folder('Ice', scene(3))),
        folder('Part Two', folder('Thaw', scene(4))),
      ],
      { 'Part One': ['Mist', 'Ice'], 'Part Two': ['Thaw'] },
      [2, 1, 1],
    ],
    ['documents alone', [scene(1), scene(2), scene(3)], { '': ['Scene 1', 'Scene 2', 'Scene 3'] }, [1, 1, 1]],
    [
      'a document beside folders',
      [scene(7, { title: 'Prologue' }), folder('Mist', scene(1)), folder('Ice', scene(2))],
      { '': ['Prologue', 'Mist', 'Ice'] },
      [1, 1, 1],
    ],
    [
      'documents below a document',
      [{ ...scene(1), title: 'Mist', below: [scene(2)] }, folder('Ice', scene(3))],
      { '': ['Mist', 'Ice'] },
      [2, 1],
    ],
  ])('has its draft as chapters and scenes: %s', async (_, draft, outline, scenes) => {
    const found = await of(draft)
    expect(found.outline).toEqual(outline)
    expect(found.chapters.map(each => each.length)).toEqual(scenes)
    expect(found.survey).toMatchObject({
      kind: 'scrivener',
      title: 'The Weir',
      encoding: { confidence: 1 },
      warnings: [],
    })
    expect(found.chapters.flat().join()).not.toContain('Research')
  })

  it('has the text without the marks of styles, and headings in it divide scenes', async () => {
    const text =
      '<$Scr_Ps::0>The miller <$Scr_Cs::12>waited<!$Scr_Cs::12>.\n\\u8212? And waited.<!$Scr_Ps::0>'
    const { chapters } = await of([folder('Mist', { title: 'a', text }), folder('Ice', scene(2))])
    expect(chapters[0]).toEqual(['The miller waited.\n\n— And waited.'])
  })

  it('leaves out what is not compiled, and tells of it and of notes', async () => {
    const compiled = 'Yes'
    const { chapters, survey } = await of([
      {
        ...folder('Mist', scene(1, { compiled, notes: 'Note.' }), scene(2, { compiled: 'No' }), scene(3)),
        compiled,
      },
      { ...folder('Ice', scene(4, { compiled })), compiled },
    ])
    expect(chapters).toEqual([[prose(1)], [prose(4)]])
    const pages = [{ name: 'Scene 1: notes.rtf' }, { name: 'Scene 2' }, { name: 'Scene 3' }]
    expect(survey.warnings).toMatchObject([{ code: 'PAGES_LEFT_OUT', count: 3, pages }])
    const none = await of([folder('Mist', scene(1), scene(2, { compiled: 'No' })), folder('Ice', scene(3))])
    expect(none.chapters.map(each => each.length)).toEqual([1, 1])
  })

  it('may be packed without its folder, and lack a text', async () => {
    const { outline } = await of([folder('Mist', scene(1), { title: 'empty' }), folder('Ice', scene(2))], {
      folder: '',
      name: 'A.scrivx',
    })
    expect(outline).toEqual({ '': ['Mist', 'Ice'] })
  })

  it.each<[string, ZipFile[], string]>([
    [
      'no draft',
      [{ name: 'a.scriv/a.scrivx', content: '<ScrivenerProject><Binder/></ScrivenerProject>' }],
      'FILE_DAMAGED',
    ],
    [
      'more items than a book has',
      project(Array.from({ length: 20_001 }, () => ({ title: 'a' }))),
      'FILE_LIMIT_EXCEEDED',
    ],
    [
      'folders that are too deep',
      project([Array.from({ length: 300 }).reduce<Item>(item => folder('a', item), scene(1))]),
      'FILE_LIMIT_EXCEEDED',
    ],
    [
      'a binder that asks for a password',
      project([scene(1)]).map(file => ({ ...file, encrypted: true })),
      'FILE_PROTECTED',
    ],
  ])('is refused: %s', async (_, files, code) => {
    await expect(read(zip(files))).rejects.toMatchObject({ code })
  })
})
