import { type Piece, readChapters } from '../../../src/novel/import/read-chapters.ts'
import { bytesSource } from '../../../src/novel/import/source.ts'
import { surveyText, type TextSurvey } from '../../../src/novel/import/survey.ts'

/** The survey of a text given as a string. */
export function survey(text: string, name = 'the-book.txt'): Promise<TextSurvey> {
  return surveyText(bytesSource(new TextEncoder().encode(text), name))
}

/** Volume titles with the titles of their chapters. */
export function outlineOf({ volumes }: TextSurvey): Record<string, string[]> {
  return Object.fromEntries(
    volumes.map(volume => [volume.title, volume.chapters.map(chapter => chapter.title)]),
  )
}

/** The titles of all chapters. */
export async function titles(text: string, name?: string): Promise<string[]> {
  return (await survey(text, name)).volumes.flatMap(volume => volume.chapters.map(chapter => chapter.title))
}

/** All pieces of a text. */
export async function pieces(text: string, name = 'the-book.txt', chapters?: number[]): Promise<Piece[]> {
  const source = bytesSource(new TextEncoder().encode(text), name)
  const found = await surveyText(source)
  const all: Piece[] = []
  for await (const piece of readChapters(source, found, chapters === undefined ? {} : { chapters }))
    all.push(piece)
  return all
}

/** The text of a chapter, its scenes joined by a bar. */
export async function chapterText(text: string, index: number): Promise<string> {
  const all = await pieces(text)
  return all
    .flatMap(piece => (piece.kind === 'scene' && piece.chapter === index ? [piece.text] : []))
    .join('|')
}

/** A paragraph of English prose, different for each seed. */
export function prose(seed: number, sentences = 6): string {
  const subjects = [
    'The miller',
    'A grey heron',
    'Old Tamsin',
    'The ferry',
    'Nobody in the village',
    'The clock',
  ]
  const verbs = ['waited by', 'forgot', 'had never seen', 'turned towards', 'kept watch over', 'dreamed of']
  const objects = [
    'the broken weir',
    'the lamp in the mill',
    'a letter without a name',
    'the far bank',
    'the rain',
  ]
  return Array.from({ length: sentences }, (_, i) => {
    const n = seed * 7 + i * 5
    return `${subjects[n % 6]} ${verbs[(n + seed) % 6]} ${objects[(n * 3 + i) % 5]}.`
  }).join(' ')
}

/** A paragraph of Chinese prose, different for each seed. */
export function hanProse(seed: number, sentences = 5): string {
  const subjects = ['老人', '渡船', '林晚', '那盏灯', '村里的狗']
  const verbs = ['望着', '忘了', '守着', '等着', '梦见了']
  const objects = ['河对岸的雾', '一封没有名字的信', '断了的水闸', '昨夜的雨', '远山']
  const text = Array.from({ length: sentences }, (_, i) => {
    const n = seed * 3 + i
    return `${subjects[n % 5]}${verbs[(n + seed) % 5]}${objects[(n * 2 + i) % 5]}`
  })
  return `　　${text.join('，')}。`
}

/** What a file of any kind is read as: what its survey says, and the text of each chapter with its scenes. */
export async function read(bytes: Uint8Array, name = 'file.bin', encoding?: string) {
  const source = bytesSource(bytes, name)
  const found = await surveyText(source, encoding === undefined ? {} : { encoding })
  const chapters: string[][] = []
  const matter: string[] = []
  for await (const piece of readChapters(source, found)) {
    if (piece.kind === 'chapter') chapters.push([])
    else if (piece.kind === 'scene') chapters[piece.chapter]?.push(piece.text)
    else if (piece.kind === 'matter') matter.push(piece.text)
  }
  return { survey: found, outline: outlineOf(found), chapters, matter }
}
