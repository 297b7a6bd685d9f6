import { describe, expect, it } from 'vitest'
import { chapterText, hanProse, outlineOf, pieces, prose, survey, titles } from './reading.ts'

const body = (seed: number) => `${prose(seed)}\n\n${prose(seed + 1)}\n`
const hanBody = (seed: number) => `${hanProse(seed)}\n${hanProse(seed + 1)}\n`

describe('Chinese books', () => {
  it('reads volumes, chapters, a prologue and extras of a light novel', async () => {
    const text = [
      '《雾河渡》',
      '作者：林一舟',
      '',
      '楔子',
      hanBody(1),
      '第一卷　雾起',
      '第一章　渡口',
      hanBody(2),
      '第二章　无名信',
      hanBody(3),
      '第二卷　潮落',
      '第一章　归舟',
      hanBody(4),
      '第二章　灯',
      hanBody(5),
      '番外一　老船夫',
      hanBody(6),
      '番外（二）　林晚的信',
      hanBody(7),
      '后记',
      hanBody(8),
    ].join('\n')
    const found = await survey(text)
    expect(found).toMatchObject({ title: '雾河渡', author: '林一舟', warnings: [] })
    expect(outlineOf(found)).toEqual({
      '': ['楔子'],
      '第一卷　雾起': ['第一章　渡口', '第二章　无名信'],
      '第二卷　潮落': ['第一章　归舟', '第二章　灯', '番外一　老船夫', '番外（二）　林晚的信', '后记'],
    })
  })

  it('reads traditional characters, full-width digits and 節 within 章 as scenes', async () => {
    const text = [
      '第１章　歸來',
      '第一節　夜',
      hanBody(1),
      '第二節　晨',
      hanBody(2),
      '第２章　遠行',
      '第一節　路',
      hanBody(3),
      '第３章　尾聲之前',
      hanBody(4),
      '尾聲',
      hanBody(5),
    ].join('\n\n')
    expect(await titles(text)).toEqual(['第１章　歸來', '第２章　遠行', '第３章　尾聲之前', '尾聲'])
    expect((await chapterText(text, 0)).split('|')).toHaveLength(2)
    expect(await chapterText(text, 0)).toContain('第二節　晨')
  })

  it('keeps sentences that start like headings in the text', async () => {
    const trap = [
      '第三章的事情他早已忘了，于是……',
      '第一回见到他是在渡口，那天有雾。',
      '第二天，雨停了。',
      '一、他说',
      '尾声渐渐消失在雾里。',
      '第二卷胶卷还在相机里',
      '第五章里写得很清楚：没有人渡河。',
    ]
    const text = ['第一章 雾', hanBody(1), ...trap, '第二章 雨', hanBody(2), '第三章 霜', hanBody(3)].join(
      '\n',
    )
    expect(await titles(text)).toEqual(['第一章 雾', '第二章 雨', '第三章 霜'])
    for (const line of trap) expect(await chapterText(text, 0)).toContain(line)
  })

  it('takes titles from the next line, with and without blank lines', async () => {
    const chapters = ['渡口', '灯火', '归人']
    const dense = chapters.map((name, i) => `第${'一二三'[i]}回\n${name}\n${hanBody(i)}`).join('')
    expect(await titles(dense)).toEqual(['第一回 渡口', '第二回 灯火', '第三回 归人'])
    const loose = chapters.map(
      (name, i) => `第${'一二三'[i]}回\n\n${name}\n\n${hanProse(i)}\n\n${hanProse(i + 1)}\n\n`,
    )
    expect(await titles(loose.join(''))).toEqual(['第一回 渡口', '第二回 灯火', '第三回 归人'])
  })

  it('does not take the first sentence for a title', async () => {
    const text = ['一', '二', '三']
      .map((n, i) => `第${n}章\n\n${hanProse(i, 1)}\n\n${hanProse(i + 1)}\n\n`)
      .join('')
    expect(await titles(text)).toEqual(['第一章', '第二章', '第三章'])
  })

  it('reads a volume and a chapter in one line, 正文 before it, and decoration around it', async () => {
    const text = [
      '正文 第一卷 雾河 第一章 渡口',
      hanBody(1),
      '正文 第一卷 雾河 第二章 无名信',
      hanBody(2),
      '【第二卷 潮落】 第三章 归舟',
      hanBody(3),
      '=== 第二卷 潮落 第四章 灯 ===',
      hanBody(4),
    ].join('\n\n')
    expect(outlineOf(await survey(text))).toEqual({
      '第一卷 雾河': ['第一章 渡口', '第二章 无名信'],
      '第二卷 潮落': ['第三章 归舟', '第四章 灯'],
    })
  })

  it('reads the title of the book before each heading', async () => {
    const text = [1, 2, 3].map(n => `雾河渡 第${n}章 名${n}\n\n${hanBody(n)}`).join('\n')
    expect(await titles(text)).toEqual(['第1章 名1', '第2章 名2', '第3章 名3'])
  })

  it('reads 卷一 and 上卷 as volumes, or as chapters where nothing is within', async () => {
    const volumes = `卷一 少年\n\n第一章\n${hanBody(1)}\n第二章\n${hanBody(2)}\n卷二 中年\n\n第三章\n${hanBody(3)}`
    expect(outlineOf(await survey(volumes))).toEqual({
      '卷一 少年': ['第一章', '第二章'],
      '卷二 中年': ['第三章'],
    })
    const chapters = `上卷\n\n${hanBody(1)}\n中卷\n\n${hanBody(2)}\n下卷\n\n${hanBody(3)}`
    expect(await titles(chapters)).toEqual(['上卷', '中卷', '下卷'])
  })

  it('numbers chapters by bare Chinese numerals that rise over the whole text', async () => {
    const text = ['一', '二', '三', '四']
      .map((n, i) => `${n}\n\n${hanProse(i)}\n\n${hanProse(i + 1)}\n\n`)
      .join('')
    expect(await titles(text)).toEqual(['一', '二', '三', '四'])
  })

  it('numbers chapters by numbered titles, also without blank lines', async () => {
    const heads = ['1、渡口', '2、灯火', '3、归人', '4、雨夜']
    const text = heads.map((head, i) => `${head}\n${hanBody(i)}${hanBody(i + 2)}`).join('')
    expect(await titles(text)).toEqual(heads)
  })

  it('drops a table of contents', async () => {
    const heads = ['第一章 渡口', '第二章 无名信', '第三章 归舟']
    const text = [
      '雾河渡',
      '',
      '目录',
      ...heads,
      '',
      ...heads.map((head, i) => `${head}\n${hanBody(i)}`),
    ].join('\n')
    const found = await survey(text)
    expect(outlineOf(found)).toEqual({ '': heads })
    expect(found.warnings).toEqual([])
  })

  it('joins a heading that is printed twice', async () => {
    const text = ['第一章 雾', '第二章 雨', '第三章 霜']
      .map((h, i) => `${h}\n\n${h}\n\n${hanBody(i)}`)
      .join('\n')
    expect(await titles(text)).toEqual(['第一章 雾', '第二章 雨', '第三章 霜'])
    expect(await chapterText(text, 0)).not.toContain('第一章')
  })

  it('warns of gaps, repeats, disorder, doubles and empty chapters', async () => {
    const heads = [
      '第1章 一',
      '第2章 二',
      '第5章 五',
      '第4章 四',
      '第6章 六',
      '第6章 六',
      '第7章 七',
      '第8章 八',
    ]
    const text = heads.map((head, i) => `${head}\n\n${i === 6 ? '' : hanBody(i)}`).join('\n')
    const found = await survey(text)
    expect(outlineOf(found)['']).toEqual(heads)
    expect(found.warnings.map(({ code, chapter }) => [code, chapter])).toEqual([
      ['NUMBER_GAP', 2],
      ['NUMBER_OUT_OF_ORDER', 3],
      ['NUMBER_REPEATED', 5],
      ['DUPLICATE_TITLE', 5],
      ['EMPTY_CHAPTER', 6],
    ])
  })
})

describe('English books', () => {
  it('reads parts and spelled-out numbers, with a prologue and an epilogue', async () => {
    const text = [
      'THE BROKEN WEIR',
      'by Ada Quill',
      'PROLOGUE',
      body(1),
      'PART ONE: THE MILL',
      'Chapter One',
      body(2),
      'Chapter Two',
      body(3),
      'PART TWO: THE FERRY',
      'Chapter Twenty-One',
      body(4),
      'Chapter Twenty-Two',
      body(5),
      'EPILOGUE',
      body(6),
    ].join('\n\n')
    const found = await survey(text)
    expect(found).toMatchObject({ title: 'THE BROKEN WEIR', author: 'Ada Quill' })
    expect(outlineOf(found)).toEqual({
      '': ['PROLOGUE'],
      'PART ONE: THE MILL': ['Chapter One', 'Chapter Two'],
      'PART TWO: THE FERRY': ['Chapter Twenty-One', 'Chapter Twenty-Two', 'EPILOGUE'],
    })
    expect(found.warnings.map(warning => warning.code)).toEqual(['NUMBER_GAP'])
  })

  it('reads numbering that starts anew in each volume', async () => {
    const volume = (n: string, seed: number) =>
      [
        `VOLUME ${n}`,
        'CHAPTER I',
        body(seed),
        'CHAPTER II',
        body(seed + 2),
        'CHAPTER III',
        body(seed + 4),
      ].join('\n\n')
    const found = await survey([volume('I', 1), volume('II', 10), volume('III', 20)].join('\n\n'))
    const chapters = ['CHAPTER I', 'CHAPTER II', 'CHAPTER III']
    expect(outlineOf(found)).toEqual({ 'VOLUME I': chapters, 'VOLUME II': chapters, 'VOLUME III': chapters })
    expect(found.warnings).toEqual([])
  })

  it.each([
    ['roman', ['I', 'II', 'III', 'IV', 'V']],
    ['arabic', ['1.', '2.', '3.', '4.', '5.']],
    ['words', ['ONE', 'TWO', 'THREE', 'FOUR', 'FIVE']],
    ['titled roman', ['I. The Mill', 'II. The Weir', 'III. The Ferry', 'IV. The Lamp', 'V. The Rain']],
    ['titled arabic', ['1. The Mill', '2. The Weir', '3. The Ferry', '4. The Lamp', '5. The Rain']],
  ])('reads bare numerals that rise over the text: %s', async (_, heads) => {
    expect(await titles(heads.map((head, i) => `${head}\n\n${body(i)}`).join('\n'))).toEqual(heads)
  })

  it('reads bare numerals that start anew in each part', async () => {
    const part = (name: string, seed: number) =>
      `PART ${name}\n\n${['1', '2', '3'].map((n, i) => `${n}\n\n${body(seed + i)}`).join('\n')}`
    expect(outlineOf(await survey(`${part('ONE', 1)}\n${part('TWO', 9)}`))).toEqual({
      'PART ONE': ['1', '2', '3'],
      'PART TWO': ['1', '2', '3'],
    })
  })

  it('keeps numbered sections within chapters as text', async () => {
    const chapter = (n: number) => `Chapter ${n}\n\nI\n\n${body(n)}\nII\n\n${body(n + 5)}\n`
    const text = [1, 2, 3, 4].map(chapter).join('\n')
    expect(await titles(text)).toEqual(['Chapter 1', 'Chapter 2', 'Chapter 3', 'Chapter 4'])
    expect(await chapterText(text, 0)).toContain('II')
  })

  it('keeps sentences and lists that look like headings in the text', async () => {
    const trap = [
      'Chapter 3 was the worst thing I wrote.',
      'I',
      '1. milk\n2. eggs\n3. bread',
      '1. Always knock.\n\n2. Never run.\n\n3. Close the gate.',
      'Part of me wanted to stay.',
      'Part one of the plan was simple.',
      'Introduction was never needed.',
      'Chapter I wrote last night.',
      '"Chapter 9," she read aloud.',
      'Book two tickets to the coast.',
      'Volume was the problem.',
      'Letter by letter he spelled it out.',
    ]
    const text = [
      'Chapter 1',
      body(1),
      ...trap,
      body(2),
      'Chapter 2',
      body(3),
      'He opened the old book where it said\nChapter 1\nand read no further than that.',
      'Chapter 3',
      body(5),
    ].join('\n\n')
    expect(await titles(text)).toEqual(['Chapter 1', 'Chapter 2', 'Chapter 3'])
    for (const line of trap) expect(await chapterText(text, 0)).toContain(line)
  })

  it('does not number chapters by page numbers', async () => {
    const page = (n: number) =>
      `${prose(n, 3)} and so the long sentence that began on this page\n\n${n}\n\ngoes on. ${prose(n + 3, 3)}\n\n`
    const text = `The Weir\n\n${Array.from({ length: 12 }, (_, i) => page(i + 1)).join('')}`
    const found = await survey(text)
    expect(found.volumes.flatMap(volume => volume.chapters)).toHaveLength(1)
    expect(found.warnings.map(warning => warning.code)).toEqual(['NO_HEADINGS'])
  })

  it('reads a page header that repeats the heading as part of it', async () => {
    const chapter = (n: number) =>
      `CHAPTER ${n}\n\n${body(n)}\n${prose(n, 2)} It was the longest of\n\nCHAPTER ${n}\n\nall the nights. ${body(n + 3)}\nCHAPTER ${n}\n\n${body(n + 7)}`
    expect(await titles([1, 2, 3].map(chapter).join('\n'))).toEqual(['CHAPTER 1', 'CHAPTER 2', 'CHAPTER 3'])
  })

  it('drops the table of contents and the wrapper of Project Gutenberg, and loses no word of them', async () => {
    const heads = ['CHAPTER I. The Mill', 'CHAPTER II. The Weir', 'CHAPTER III. The Ferry']
    const text = [
      'The Project Gutenberg EBook of The Broken Weir, by Ada Quill',
      'This eBook is for the use of anyone anywhere at no cost and with almost no restrictions whatsoever.',
      'Title: The Broken Weir\n\nAuthor: Ada Quill',
      'Chapter 1 of the licence is below.',
      '*** START OF THIS PROJECT GUTENBERG EBOOK THE BROKEN WEIR ***',
      'Produced by many hands at\nhttp://www.example.org (This file was made from images.)',
      'THE BROKEN WEIR',
      'CONTENTS',
      heads.map((head, i) => `${head} ...... ${i * 9 + 1}`).join('\n'),
      ...heads.flatMap((head, i) => [head, body(i)]),
      '*** END OF THIS PROJECT GUTENBERG EBOOK THE BROKEN WEIR ***',
      'CHAPTER IV. The licence of this file is long.',
    ].join('\n\n')
    const found = await survey(text)
    expect(found).toMatchObject({ title: 'The Broken Weir', author: 'Ada Quill', warnings: [] })
    expect(outlineOf(found)).toEqual({ '': heads })
    const matter = (await pieces(text)).flatMap(piece =>
      piece.kind === 'matter' ? [[piece.place, piece.text]] : [],
    )
    expect(matter.map(([place]) => place)).toEqual(['front', 'back'])
    expect(matter.join(' ')).toContain('cost and with almost no restrictions')
    expect(matter.join(' ')).toContain('The licence of this file is long.')
  })

  it('keeps prose before the first heading as a chapter of its own', async () => {
    const text = `THE BROKEN WEIR\n\n${prose(3)} ${prose(4)}\n\nChapter 1\n\n${body(1)}\nChapter 2\n\n${body(2)}`
    expect(await titles(text)).toEqual(['Front matter', 'Chapter 1', 'Chapter 2'])
  })

  it('reads every book of a file that Project Gutenberg enclosed, and no licence between them', async () => {
    const heads = ['CHAPTER I. The Mill', 'CHAPTER II. The Weir', 'CHAPTER III. The Ferry']
    const book = (name: string, seed: number, more = '') =>
      [
        `*** START OF THE PROJECT GUTENBERG EBOOK ${name}${more} ***`,
        `${name}\n\nby Ada Quill`,
        ...heads.flatMap((head, i) => [`${head} of ${name}`, body(seed + i)]),
        `*** END OF THE PROJECT GUTENBERG EBOOK ${name}${more} ***`,
        `CHAPTER IV. The licence. ${prose(seed, 40)}`,
      ].join('\n\n')
    const text = [book('ONE', 1), book('TWO', 11, '\nAND A HALF'), book('THREE', 21)].join('\n\n')
    const names = ['ONE', 'TWO', 'THREE']
    expect(await titles(text)).toEqual(names.flatMap(name => heads.map(head => `${head} of ${name}`)))
    const read = await pieces(text)
    const scenes = read.flatMap(piece => (piece.kind === 'scene' ? [piece] : []))
    expect(scenes.map(({ chapter, index }) => [chapter, index])).toEqual(
      heads.concat(heads, heads).map((_, i) => [i, 0]),
    )
    for (const { chapter, text: found } of scenes)
      expect(found).toBe(body([1, 2, 3, 11, 12, 13, 21, 22, 23][chapter] ?? 0).trim())
  })

  it.each([
    ['verses', (i: number) => `    and still the river ran below the mill of ${i}`],
    ['a list of persons', (i: number) => `Person ${i}, ferryman of the ${i}th bank and keeper of its lamp`],
  ])(
    'keeps %s before the first heading, which end no sentence, and no table of contents',
    async (_, line) => {
      const front = Array.from({ length: 60 }, (_each, i) => line(i)).join('\n')
      const heads = Array.from({ length: 40 }, (_each, i) => `Chapter ${i + 1}: The Mill of the ${i}th Weir`)
      const contents = `CONTENTS\n\n${heads.map((head, i) => `${head} ..... ${i}`).join('\n')}`
      const chapters = heads.map((head, i) => `${head}\n\n${body(i)}`).join('\n')
      for (const before of [front, `${front}\n\n${contents}`, `${contents}\n\n${front}`]) {
        const text = `THE BROKEN WEIR\n\nby Ada Quill\n\n${before}\n\n${chapters}`
        expect(await titles(text)).toEqual(['Front matter', ...heads])
        expect(await chapterText(text, 0)).toContain(line(59).trim())
      }
      expect(await titles(`THE BROKEN WEIR\n\nby Ada Quill\n\n${contents}\n\n${chapters}`)).toEqual(heads)
    },
  )

  it('finds unnumbered titles by the table of contents', async () => {
    const heads = ['The Mill', 'An Encounter', 'The Ferry', 'Two Lamps']
    const text = `THE WEIR\n\nContents\n\n${heads.join('\n\n')}\n\n\n${heads.map((h, i) => `${h.toUpperCase()}\n\n${body(i)}`).join('\n')}`
    expect(await titles(text)).toEqual(heads.map(head => head.toUpperCase()))
  })

  it('gives letters, long wrapped titles and titles below', async () => {
    const text = [
      'Letter 1',
      '_To Mrs. Saville, England._',
      body(1),
      'Letter 2',
      '_To Mrs. Saville, England._',
      body(2),
      'CHAPTER I',
      'IN WHICH THE MILLER LEAVES THE MILL, AND\nWHAT HE FINDS ON THE FAR BANK',
      body(3),
      'CHAPTER II',
      'THE FERRY',
      body(4),
    ].join('\n\n')
    expect(await titles(text)).toEqual([
      'Letter 1: To Mrs. Saville, England.',
      'Letter 2: To Mrs. Saville, England.',
      'CHAPTER I: IN WHICH THE MILLER LEAVES THE MILL, AND WHAT HE FINDS ON THE FAR BANK',
      'CHAPTER II: THE FERRY',
    ])
  })

  it('does not take a reference that wrapping put on a line of its own', async () => {
    const chapter = (n: number) =>
      `Chapter ${n}\n\n${body(n)}\nIt was as we saw in\nChapter 2\nof this book.\n`
    expect(await titles([1, 2, 3].map(chapter).join('\n'))).toEqual(['Chapter 1', 'Chapter 2', 'Chapter 3'])
  })

  it('reads acts and scenes of a play', async () => {
    const text = [
      'ACT I',
      'SCENE I. A mill.',
      body(1),
      'SCENE II. A weir.',
      body(2),
      'ACT II',
      'SCENE I. A bank.',
      body(3),
    ]
    expect(outlineOf(await survey(text.join('\n\n')))).toEqual({
      'ACT I': ['SCENE I. A mill.', 'SCENE II. A weir.'],
      'ACT II': ['SCENE I. A bank.'],
    })
  })

  it('reads an epilogue with chapters of its own as a volume', async () => {
    const heads = [
      'PART ONE',
      'CHAPTER I',
      'CHAPTER II',
      'CHAPTER III',
      'EPILOGUE',
      'CHAPTER I',
      'CHAPTER II',
    ]
    const text = heads
      .map((h, i) => `${h}\n\n${h === 'PART ONE' || h === 'EPILOGUE' ? '' : body(i)}`)
      .join('\n')
    expect(outlineOf(await survey(text))).toEqual({
      'PART ONE': ['CHAPTER I', 'CHAPTER II', 'CHAPTER III'],
      EPILOGUE: ['CHAPTER I', 'CHAPTER II'],
    })
  })
})

describe('Markdown', () => {
  it('takes title, volumes, chapters and scenes from the levels', async () => {
    const text = `# The Broken Weir\n\n## Part One\n\n### The Mill\n\n${body(1)}\n#### Night\n\n${body(2)}\n### The Weir\n\n${body(3)}\n## Part Two\n\n### The Ferry\n\n${body(4)}`
    const found = await survey(text, 'weir.md')
    expect(found.title).toBe('The Broken Weir')
    expect(outlineOf(found)).toEqual({ 'Part One': ['The Mill', 'The Weir'], 'Part Two': ['The Ferry'] })
    expect((await pieces(text, 'weir.md')).filter(piece => piece.kind === 'scene')).toHaveLength(4)
  })

  it('takes the first level with text as chapters, and front matter for the title', async () => {
    const text = `---\ntitle: "Weir"\nauthor: Ada Quill\ntags:\n  - river\n---\n\n# One\n\n${body(1)}\n## Aside\n\n${body(2)}\n# Two\n\n${body(3)}\n\`\`\`\n# not a heading\n\`\`\`\n`
    const found = await survey(text, 'weir.md')
    expect(found).toMatchObject({ title: 'Weir', author: 'Ada Quill' })
    expect(outlineOf(found)).toEqual({ '': ['One', 'Two'] })
  })

  it.each([
    ['a long value', `description: ${prose(1, 9)}`],
    ['a block of text', `description: |\n  ${prose(1, 9)}\n\n  Chapter 1: ${prose(2)}`],
    ['keys with marks', 'reading-time: 20\nlast_edited: 2020-01-01\nauthor: Ada Quill'],
    ['one line', undefined],
  ])('takes front matter with %s for no text', async (_, fields) => {
    const front = ['---', 'title: Weir', ...(fields === undefined ? [] : [fields])].join('\n')
    const text = `${front}\n---\n\n# One\n\n${body(1)}\n# Two\n\n${body(2)}`
    const found = await survey(text, 'weir.md')
    expect(found.title).toBe('Weir')
    expect(outlineOf(found)).toEqual({ '': ['One', 'Two'] })
    const whole = await survey(`${front}\n...\n\n${body(1)}`, 'weir.md')
    expect(whole.volumes[0]?.chapters).toEqual((await survey(body(1), 'Weir.txt')).volumes[0]?.chapters)
  })

  it('takes bare ~~~ for a mark between scenes, and with a language for a fence', async () => {
    const chapter = (n: number) => `# ${n}th Mill\n\n${body(n)}\n~~~\n\n${body(n + 1)}\n`
    const text = `${[1, 2, 3, 4].map(chapter).join('\n')}\n~~~ yaml\n# not a heading\n~~~\n`
    expect(await titles(text, 'weir.md')).toEqual(['1th Mill', '2th Mill', '3th Mill', '4th Mill'])
  })

  it('reads underlined headings', async () => {
    const text = `The Weir\n========\n\nThe Mill\n--------\n\n${body(1)}\n---\n\n${body(2)}\nThe Ferry\n---------\n\n${body(3)}`
    const found = await survey(text, 'weir.md')
    expect(found.title).toBe('The Weir')
    expect(outlineOf(found)).toEqual({ '': ['The Mill', 'The Ferry'] })
    expect((await pieces(text, 'weir.md')).filter(piece => piece.kind === 'scene')).toHaveLength(3)
  })
})

describe('scenes', () => {
  it.each(['***', '* * *', '---', '———', '◇◇◇', '#', '※※※', '* * * * *'])('are parted by %s', async mark => {
    const text = `Chapter 1\n\n${body(1)}\n${mark}\n\n${body(2)}\nChapter 2\n\n${body(3)}`
    const found = (await pieces(text)).filter(piece => piece.kind === 'scene')
    expect(found.map(({ chapter, index }) => [chapter, index])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
    ])
    expect(found.map(scene => scene.text).join('\n')).not.toContain(mark)
  })

  it('are not parted by a pause in speech or a lone dash', async () => {
    expect(await chapterText(`第一章\n\n“走吧。”\n\n……\n\n—\n\n“好。”\n`, 0)).not.toContain('|')
  })

  it('are at most 50,000 characters long, cut between paragraphs', async () => {
    const paragraph = `${prose(1, 40)}\n\n`
    const text = paragraph.repeat(120)
    const scenes = (await pieces(text)).flatMap(piece => (piece.kind === 'scene' ? [piece.text] : []))
    expect(scenes.length).toBeGreaterThan(2)
    expect(Math.max(...scenes.map(scene => scene.length))).toBeLessThanOrEqual(50_000)
    for (const scene of scenes) expect(scene.endsWith('.')).toBe(true)
    expect(scenes.join('\n\n')).toBe(text.trim())
  })
})
