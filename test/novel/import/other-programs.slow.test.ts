/**
 * Files that other programs wrote: pandoc and LibreOffice make files of many kinds of a novel, and save those that Quillwork exported. Each is
 * read as the novel that it was, chapter by chapter.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeDocx } from '../../../src/novel/export/docx.ts'
import { writeEpub } from '../../../src/novel/export/epub.ts'
import { writeOdt } from '../../../src/novel/export/odt.ts'
import { bookOf, readBack, type WrittenVolume, written } from '../export/written.ts'
import { escaped } from './epub-writer.ts'
import { hanProse } from './reading.ts'

interface Novel {
  readonly title: string
  readonly volumes: readonly WrittenVolume[]
}

const chineseNovel: Novel = {
  title: '断了的水闸',
  volumes: [
    {
      title: '第一卷 雾',
      chapters: [...'一二三'].map((number, i) => ({
        title: `第${number}章 渡口`,
        scenes: [`${hanProse(i)}\n${hanProse(i + 10)}`, hanProse(i + 20)],
      })),
    },
    { title: '第二卷 冰', chapters: [{ title: '第四章 归舟', scenes: [hanProse(7)] }] },
  ],
}

/** The sample of the product, as its import reads it. */
async function sample(): Promise<Novel> {
  const file = new URL('../../../samples/the-salt-ledger.txt', import.meta.url)
  const { survey, volumes } = await readBack(readFileSync(file), 'the-salt-ledger.txt')
  return { title: survey.title, volumes }
}

/** A page with the novel, from which the programs make their own files. */
function pageOf({ title, volumes }: Novel): string {
  const paragraphs = (scene: unknown) =>
    `${scene}`
      .split(/\n+/)
      .map(text => `<p>${escaped(text)}</p>`)
      .join('\n')
  const chapters = volumes.flatMap(volume => [
    `<h1>${escaped(volume.title)}</h1>`,
    ...volume.chapters.map(
      chapter => `<h2>${escaped(chapter.title)}</h2>${chapter.scenes.map(paragraphs).join('<hr>')}`,
    ),
  ])
  return `<!DOCTYPE html><html><head><meta charset="utf-8"><title>${escaped(title)}</title></head><body>${chapters.join('\n')}</body></html>`
}

/** Volumes without what a program does not keep: indents, and how many blank lines there are. */
function plain(volumes: readonly WrittenVolume[]) {
  const text = (scene: unknown) => `${scene}`.replace(/\n\s*/g, '\n').trim()
  return volumes.map(({ title, chapters }) => ({
    title,
    chapters: chapters.map(({ title, scenes }) => ({ title, scenes: scenes.map(text) })),
  }))
}

const pandoc = (to: string) => ['pandoc', '--to', to, '--output']
const office = (to: string) => ['soffice', '--headless', '--convert-to', to, '--outdir']

/** Name, the file that is given to the program, the file that it makes, and how. */
const made: readonly [string, { of: string; to: string; by: readonly string[] }][] = [
  ['a DOCX by pandoc', { of: 'page.html', to: 'docx', by: pandoc('docx') }],
  ['an EPUB 3 by pandoc', { of: 'page.html', to: 'epub', by: pandoc('epub3') }],
  ['an EPUB 2 by pandoc', { of: 'page.html', to: 'epub', by: pandoc('epub2') }],
  ['a DOCX by LibreOffice', { of: 'page.html', to: 'docx', by: office('docx:MS Word 2007 XML') }],
  ['an ODT by pandoc', { of: 'page.html', to: 'odt', by: pandoc('odt') }],
  ['an ODT by LibreOffice', { of: 'page.html', to: 'odt', by: office('odt') }],
  [
    'a page by pandoc',
    { of: 'own.docx', to: 'html', by: ['pandoc', '--standalone', ...pandoc('html').slice(1)] },
  ],
  ['RTF by LibreOffice', { of: 'own.docx', to: 'rtf', by: office('rtf') }],
  ['an exported ODT saved by LibreOffice', { of: 'own.odt', to: 'odt', by: office('odt') }],
  ['an exported ODT made a DOCX by pandoc', { of: 'own.odt', to: 'docx', by: pandoc('docx') }],
  [
    'an exported DOCX saved by LibreOffice',
    { of: 'own.docx', to: 'docx', by: office('docx:MS Word 2007 XML') },
  ],
  ['an exported DOCX saved by pandoc', { of: 'own.docx', to: 'docx', by: pandoc('docx') }],
  ['an exported DOCX made an EPUB by pandoc', { of: 'own.docx', to: 'epub', by: pandoc('epub3') }],
  ['an exported EPUB saved by pandoc', { of: 'own.epub', to: 'epub', by: pandoc('epub3') }],
  ['an exported EPUB made a DOCX by pandoc', { of: 'own.epub', to: 'docx', by: pandoc('docx') }],
]

const missing = ['pandoc', 'soffice'].filter(name => spawnSync(name, ['--version']).error !== undefined)
if (missing.length > 0)
  process.stderr.write(
    `\nSKIPPED: files that other programs wrote. Install ${missing.join(' and ')} (Debian: apt-get install pandoc libreoffice-writer-nogui).\n\n`,
  )

describe.skipIf(missing.length > 0).each([
  ['English', sample],
  ['Chinese', async () => chineseNovel],
] as const)('a novel in %s', (_, novelOf) => {
  let folder = ''
  let novel: Novel

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'quillwork-programs-'))
    novel = await novelOf()
    const book = bookOf(novel.volumes, { title: novel.title })
    writeFileSync(path.join(folder, 'page.html'), pageOf(novel))
    writeFileSync(path.join(folder, 'own.docx'), await written(writeDocx, book))
    writeFileSync(path.join(folder, 'own.odt'), await written(writeOdt, book))
    writeFileSync(path.join(folder, 'own.epub'), await written(writeEpub, book))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(made)('is the same in %s', async (_, { of, to, by: [program = '', ...before] }) => {
    const isOffice = program === 'soffice'
    const file = path.join(folder, ...(isOffice ? ['office', of.replace(/\w+$/, to)] : [`made.${to}`]))
    const own = [
      `-env:UserInstallation=file://${path.join(folder, 'profile')}`,
      '--infilter=HTML (StarWriter)',
    ]
    const options = isOffice ? own.slice(0, of.endsWith('html') ? 2 : 1) : []
    const args = [...options, ...before, isOffice ? path.dirname(file) : file, path.join(folder, of)]
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 })
    expect(status, stderr).toBe(0)
    const { survey, volumes } = await readBack(readFileSync(file))
    expect(plain(volumes)).toEqual(plain(novel.volumes))
    expect(survey.title).toBe(novel.title)
  })
})
