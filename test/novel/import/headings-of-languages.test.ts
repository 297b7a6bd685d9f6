import { describe, expect, it } from 'vitest'
import { numberAfterLabel } from '../../../src/novel/import/number-words.ts'
import { readHeading } from '../../../src/novel/import/read-heading.ts'
import { passages } from './languages.ts'
import { chapterText, outlineOf, survey } from './reading.ts'

type Row = [line: string, style: string, number: number | undefined, name: string]

const sure: Record<string, Row[]> = {
  Korean: [
    ['제1장 나루터', '장', 1, '나루터'],
    ['제 1 화', '화', 1, ''],
    ['제12장: 불어난 강', '장', 12, '불어난 강'],
    ['제3화 - 등불', '화', 3, '등불'],
    ['[제3화] 등불', '화', 3, '등불'],
    ['제2부 돌아온 사람들', '부', 2, '돌아온 사람들'],
    ['제1권', '권', 1, ''],
    ['제3장 강을 건너다', '장', 3, '강을 건너다'],
    ['1화', '화', 1, ''],
    ['12화. 나루터', '화', 12, '나루터'],
    ['12화 (상)', '화', 12, '(상)'],
    ['프롤로그', 'named', undefined, ''],
    ['에필로그', 'named', undefined, ''],
    ['프롤로그: 밤의 강', 'named', undefined, '밤의 강'],
    ['외전 2화', 'named', undefined, ''],
    ['외전 1. 편지', 'named', undefined, '편지'],
    ['작가의 말', 'named', undefined, ''],
  ],
  Vietnamese: [
    ['Chương 1: Bến đò', 'chapter', 1, 'Bến đò'],
    ['Chương một', 'chapter', 1, ''],
    ['CHƯƠNG HAI MƯƠI MỐT', 'chapter', 21, ''],
    ['Chương XII', 'chapter', 12, ''],
    ['Chương thứ nhất', 'chapter', 1, ''],
    ['Chương mười lăm: Con nước', 'chapter', 15, 'Con nước'],
    ['Hồi thứ nhất', 'hồi', 1, ''],
    ['Hồi thứ 12', 'hồi', 12, ''],
    ['Hồi thứ hai mươi tư', 'hồi', 24, ''],
    ['Quyển 1', 'volume', 1, ''],
    ['Tập 2: Mùa lũ', 'volume', 2, 'Mùa lũ'],
    ['Phần thứ ba', 'part', 3, ''],
    ['Ngoại truyện 1: Lá thư', 'named', undefined, 'Lá thư'],
    ['Lời nói đầu', 'named', undefined, ''],
    ['Vĩ thanh', 'named', undefined, ''],
    ['Chương một'.normalize('NFD'), 'chapter', 1, ''],
  ],
  Arabic: [
    ['الفصل الأول', 'الفصل', 1, ''],
    ['الفصل الاول', 'الفصل', 1, ''],
    ['الفَصْلُ الأوّل', 'الفصل', 1, ''],
    ['الفصل 1', 'الفصل', 1, ''],
    ['الفصل ١٢', 'الفصل', 12, ''],
    ['الفصل (٣): العبور', 'الفصل', 3, 'العبور'],
    ['الفصل رقم 7', 'الفصل', 7, ''],
    ['الفصل الثاني: العبور', 'الفصل', 2, 'العبور'],
    ['الفصل الحادي عشر - النهر', 'الفصل', 11, 'النهر'],
    ['الفصل الخامس والعشرون', 'الفصل', 25, ''],
    ['\u200fالفصل الثالث', 'الفصل', 3, ''],
    ['الفصل الأخير', 'الفصل', undefined, ''],
    ['الباب الثاني', 'الباب', 2, ''],
    ['الجزء الأول', 'الجزء', 1, ''],
    ['الحلقة الثالثة عشرة', 'الحلقة', 13, ''],
    ['المقدمة', 'named', undefined, ''],
    ['خاتمة', 'named', undefined, ''],
  ],
  Polish: [
    ['Rozdział pierwszy', 'chapter', 1, ''],
    ['ROZDZIAŁ DWUDZIESTY TRZECI', 'chapter', 23, ''],
    ['Rozdział trzydziesty', 'chapter', 30, ''],
    ['Rozdział XIV. Przystań', 'chapter', 14, 'Przystań'],
    ['Rozdział 4: Mgła nad rzeką', 'chapter', 4, 'Mgła nad rzeką'],
    ['Rozdział jeden', 'chapter', 1, ''],
    ['Część druga', 'part', 2, ''],
    ['Księga trzecia: Powrót', 'book', 3, 'Powrót'],
    ['Akt pierwszy', 'act', 1, ''],
    ['Prolog', 'named', undefined, ''],
    ['Posłowie', 'named', undefined, ''],
  ],
  Russian: [
    ['Глава первая', 'chapter', 1, ''],
    ['ГЛАВА ДВАДЦАТЬ ПЕРВАЯ', 'chapter', 21, ''],
    ['Глава четвёртая. Переправа', 'chapter', 4, 'Переправа'],
    ['Глава четвертая', 'chapter', 4, ''],
    ['Глава тридцатая', 'chapter', 30, ''],
    ['Глава 12. Туман', 'chapter', 12, 'Туман'],
    ['Глава XII', 'chapter', 12, ''],
    ['Глава один', 'chapter', 1, ''],
    ['Часть вторая', 'part', 2, ''],
    ['Часть вторая: Другой берег', 'part', 2, 'Другой берег'],
    ['Книга третья', 'book', 3, ''],
    ['Том первый', 'volume', 1, ''],
    ['Действие третье', 'act', 3, ''],
    ['Пролог', 'named', undefined, ''],
    ['Эпилог. Письмо', 'named', undefined, 'Письмо'],
    ['Вместо предисловия', 'named', undefined, ''],
  ],
  English: [
    ['Side Story 1', 'named', undefined, ''],
    ['Side Story 2: The Letter', 'named', undefined, 'The Letter'],
    ['Bonus Chapter', 'named', undefined, ''],
    ['BONUS CHAPTER 2', 'named', undefined, ''],
    ['Extra 3', 'named', undefined, ''],
    ['Extra #4 - The Ferry', 'named', undefined, 'The Ferry'],
    ['Extra Chapter: Five Years Later', 'named', undefined, 'Five Years Later'],
    ['Interlude', 'named', undefined, ''],
    ['Interlude Two', 'named', undefined, ''],
    ['Interlude 3: The Lamp', 'named', undefined, 'The Lamp'],
  ],
}

describe.each(Object.entries(sure))('headings in %s that are sure', (_, rows) => {
  it.each(rows)('%s', (line, style, number, name) => {
    expect(readHeading(line)).toMatchObject({ style, name, sureness: 'sure' })
    expect(readHeading(line)?.number).toBe(number)
  })
})

describe('headings that the numbers around them decide', () => {
  it.each([
    '12화 나루터',
    '3장',
    '제삼장',
    '제사장',
    '제1회 백일장',
    'الفصل الأول العبور',
    'Tom II',
    'Chương 1 Thiếu niên ngoài núi lớn',
    'Глава 1 Мальчик, который ждал',
    '— Глава первая.',
    '– Rozdział pierwszy.',
  ])('%s', line => expect(readHeading(line)?.sureness).toBe('doubtful'))

  it.each(['١', '۲', '١٢. العبور'])('a bare numeral: %s', line =>
    expect(readHeading(line)?.sureness).toBe('weak'),
  )
})

/** Lines of prose that mention a part of a book, or begin like a heading. */
const mentions: Record<string, string[]> = {
  Korean: [
    '그는 제3장을 펼쳤다.',
    '제3장은 가장 길었다.',
    '제3장 뒤는 아직 쓰지 않았다.',
    '1화를 다시 읽었다.',
    '3화 남았다.',
    '종이 3장 주세요.',
    '3장의 종이가 있었다.',
    '제일 부유한 사람이었다.',
    '프롤로그는 짧았다.',
    '외전까지 다 읽었다.',
    '에필로그 부분은 다시 써야 했다.',
    '"제1장." 그녀가 읽었다.',
  ],
  Vietnamese: [
    'Anh mở chương ba.',
    'Chương ba là chương dài nhất.',
    'Chương ba – chương dài nhất.',
    'Hồi ba tuổi, nó rơi xuống sông.',
    'Hồi năm ngoái nước cũng lên.',
    'Phần một của kế hoạch rất đơn giản.',
    'Phần tôi, tôi ở lại.',
    'Quyển một bằng da, quyển hai bằng giấy.',
    'Tập hai bài hát xong thì trời tối.',
    'Mở đầu câu chuyện là một dòng sông.',
    '“Chương một,” cô đọc to.',
  ],
  Arabic: [
    'فتح الكتاب على الفصل الثالث.',
    'الفصل الثالث كان أطول الفصول.',
    'الفصل الثالث من الرواية',
    'الباب الثاني كان مفتوحا.',
    'الفصل بينهما صعب.',
    'مقدمة السفينة كانت تحت الماء.',
    'والفصل الثالث أطول.',
    '«الفصل الأول» قالت بصوت عال.',
    'الفصل الثالث، وهو الأخير، كان قصيرا.',
  ],
  Polish: [
    'Otworzył książkę na rozdziale trzecim.',
    'Rozdział trzeci był najgorszy.',
    'Rozdział trzeci – najdłuższy.',
    'Rozdział trzeci, najdłuższy ze wszystkich, był smutny.',
    'Rozdział i tak był za długi.',
    'Rozdział ten był krótki.',
    'Część pierwsza planu była prosta.',
    'Tom pierwszy gdzieś zgubiłem.',
    'Prolog był krótki.',
    'Wstęp wolny',
    '„Rozdział pierwszy”, przeczytała.',
  ],
  Russian: [
    'Он открыл главу первую.',
    'Глава первая была самой трудной.',
    'Глава первая — самая длинная.',
    'Глава семьи вышел на крыльцо.',
    'Глава один сидел у окна.',
    'Часть вторая, последняя, была короче.',
    'Часть первая плана удалась.',
    'Том первый я где-то потерял.',
    'Книга третья лежала на столе.',
    'Пролог закончился.',
    'Заключение врача было коротким.',
    '«Глава первая», — прочитала она.',
    '— Глава первая, — прочитала она.',
  ],
  English: [
    'Extra! Extra! Read all about it!',
    'Extra 3 cups of flour, she said.',
    'Extra',
    'Bonus: a second helping.',
    'Side stories are dull.',
    'Interlude one must not skip.',
    'The bonus chapter was never printed.',
    'Tom I thought was gone.',
  ],
}

describe.each(Object.entries(mentions))('lines in %s that are no heading', (_, lines) => {
  it.each(lines)('%s', line => expect(readHeading(line)).toBeUndefined())
})

describe('numbers in words', () => {
  const russian =
    'первая вторая третья четвёртая пятая шестая седьмая восьмая девятая десятая одиннадцатая двенадцатая тринадцатая четырнадцатая ' +
    'пятнадцатая шестнадцатая семнадцатая восемнадцатая девятнадцатая двадцатая'
  const polish =
    'pierwszy drugi trzeci czwarty piąty szósty siódmy ósmy dziewiąty dziesiąty jedenasty dwunasty trzynasty czternasty piętnasty ' +
    'szesnasty siedemnasty osiemnasty dziewiętnasty dwudziesty'
  const vietnamese =
    'một,hai,ba,bốn,năm,sáu,bảy,tám,chín,mười,mười một,mười hai,mười ba,mười bốn,mười lăm,mười sáu,mười bảy,mười tám,mười chín,hai mươi'
  const arabic =
    'الأول,الثاني,الثالث,الرابع,الخامس,السادس,السابع,الثامن,التاسع,العاشر,الحادي عشر,الثاني عشر,الثالث عشر,الرابع عشر,الخامس عشر,' +
    'السادس عشر,السابع عشر,الثامن عشر,التاسع عشر,العشرون'

  it.each([
    ['ru', russian.split(' ')],
    ['pl', polish.split(' ')],
    ['vi', vietnamese.split(',')],
    ['ar', arabic.split(',')],
  ] as const)('%s from 1 to 20', (language, words) => {
    expect(words.map(word => numberAfterLabel(word, language)?.value)).toEqual(words.map((_, i) => i + 1))
  })

  it.each([
    ['ru', 'двадцать девятая', 29],
    ['ru', 'тридцать первая', 31],
    ['ru', 'девяносто девятый', 99],
    ['pl', 'dwudziesta dziewiąta', 29],
    ['pl', 'trzydziesty pierwszy', 31],
    ['pl', 'dwadzieścia dwa', 22],
    ['vi', 'hai mươi mốt', 21],
    ['vi', 'ba mươi', 30],
    ['vi', 'chín mươi chín', 99],
    ['vi', 'một trăm linh năm', 105],
    ['vi', 'thứ một trăm hai mươi', 120],
    ['ar', 'الحادي والعشرون', 21],
    ['ar', 'التاسع والعشرين', 29],
    ['ar', 'الثلاثون', 30],
    ['ar', 'الثانية والثلاثون', 32],
  ] as const)('%s: %s', (language, text, value) => {
    expect(numberAfterLabel(text, language)).toEqual({ value, length: text.length })
    expect(numberAfterLabel(`${text} x`, language)?.length).toBe(text.length)
    expect(numberAfterLabel(`${text}x`, language)?.value).not.toBe(value)
  })
})

const arabicProse = [
  'ارتفع النهر في الليل. وحين نزل صاحب القارب بمصباحه إلى المرسى كانت الدرجة السفلى قد غمرها الماء.',
  'قال للمرأة التي كانت تنتظر منذ الفجر إن العبور لن يبدأ قبل الظهر، ولم ينظر إليها وهو يتكلم.',
]
const vietnameseProse = [
  'Trong đêm nước sông đã lên. Khi người lái đò cầm đèn xuống bến, bậc thấp nhất đã chìm dưới nước.',
  'Trước trưa không ai qua sông được, ông nói với người đàn bà đã đợi từ lúc trời chưa sáng.',
]
const halves = (text: string) => text.split('\n')

/** A book of each language: a prologue, two parts with chapters, an epilogue. */
interface Book {
  readonly language: string
  readonly parts: readonly [string, string]
  readonly chapters: readonly string[]
  readonly first: string
  readonly last: string
  readonly prose: readonly string[]
}

const books: readonly Book[] = [
  {
    language: 'Korean',
    parts: ['제1부', '제2부'],
    chapters: ['제1장 나루터', '제2장 등불', '제3장 편지', '제4장 안개', '제5장 건너편'],
    ...{ first: '프롤로그', last: '에필로그', prose: halves(passages.korean) },
  },
  {
    language: 'Vietnamese',
    parts: ['Quyển 1', 'Quyển 2'],
    chapters: ['Chương một: Bến đò', 'Chương hai', 'Chương ba: Lá thư', 'Chương bốn', 'Chương năm'],
    ...{ first: 'Lời nói đầu', last: 'Vĩ thanh', prose: vietnameseProse },
  },
  {
    language: 'Arabic',
    parts: ['الجزء الأول', 'الجزء الثاني'],
    chapters: ['الفصل الأول', 'الفصل الثاني: العبور', 'الفصل الثالث', 'الفصل الرابع', 'الفصل الخامس'],
    ...{ first: 'المقدمة', last: 'الخاتمة', prose: arabicProse },
  },
  {
    language: 'Polish',
    parts: ['Część pierwsza', 'Część druga'],
    chapters: 'pierwszy drugi trzeci czwarty piąty'.split(' ').map(number => `Rozdział ${number}`),
    ...{ first: 'Prolog', last: 'Epilog', prose: halves(passages.polish) },
  },
  {
    language: 'Russian',
    parts: ['Часть первая', 'Часть вторая'],
    chapters: 'первая вторая третья четвёртая пятая'.split(' ').map(number => `Глава ${number}`),
    ...{ first: 'Пролог', last: 'Эпилог', prose: halves(passages.russian) },
  },
]

describe.each(books)('a book in $language', ({ language, parts, chapters, first, last, prose }) => {
  const traps = mentions[language] ?? []
  const [one = '', ...others] = chapters
  const withProse = (titles: readonly string[]) => titles.flatMap(title => [title, ...prose])
  const lines = [
    ...withProse([first]),
    ...[parts[0], ...withProse([one]), ...traps, ...withProse(others.slice(0, 2))],
    ...[parts[1], ...withProse([...others.slice(2), last])],
  ]

  it.each(['\n\n', '\n'])('is divided at its headings alone, with lines parted by %j', async separator => {
    const text = lines.join(separator)
    const found = await survey(text)
    expect(outlineOf(found)).toEqual({
      '': [first],
      [parts[0]]: chapters.slice(0, 3),
      [parts[1]]: [...chapters.slice(3), last],
    })
    expect(found.warnings).toEqual([])
    const within = await chapterText(text, 1)
    for (const line of traps) expect(within).toContain(line)
  })
})

describe('names and volumes', () => {
  it.each([
    ['제1부 돌아온 사람들 제3장 나루터', '제1부 돌아온 사람들', '제3장 나루터'],
    ['1권 12화', '1권', '12화'],
    ['الجزء الأول - الفصل الثالث: النهر', 'الجزء الأول', 'الفصل الثالث: النهر'],
    ['Том 1. Глава 5', 'Том 1', 'Глава 5'],
    ['Quyển 2, Chương 3: Bến đò', 'Quyển 2', 'Chương 3: Bến đò'],
  ])('of a volume and a chapter in one line: %s', (line, title, inner) => {
    expect(readHeading(line)).toMatchObject({ title, inner: { title: inner } })
  })

  it('takes no first sentence for the name of a chapter where there are no capitals', async () => {
    const sentences = passages.korean.match(/[^.]{10,}\./g) ?? []
    const numbered = (label: (n: number) => string, prose: readonly string[]) =>
      [1, 2, 3]
        .map(n => `${label(n)}\n${prose[n % prose.length]?.trim()}\n\n${prose[0]?.trim()}`)
        .join('\n\n')
    expect(outlineOf(await survey(numbered(n => `${n}화`, sentences)))).toEqual({ '': ['1화', '2화', '3화'] })
    expect(outlineOf(await survey(numbered(n => `제${n}장 편지`, sentences)))['']).toHaveLength(3)
    expect(outlineOf(await survey(numbered(n => `الفصل ${n}`, arabicProse)))['']).toEqual([
      'الفصل 1',
      'الفصل 2',
      'الفصل 3',
    ])
  })

  it('takes side stories and extras of an English web novel for chapters behind the others', async () => {
    const heads = [
      'Chapter 1',
      'Chapter 2',
      'Interlude',
      'Chapter 3',
      'Side Story 1',
      'Bonus Chapter',
      'Extra 3',
    ]
    const text = heads.map(head => `${head}\n\n${passages.english}`).join('\n\n')
    expect(outlineOf(await survey(text))).toEqual({ '': heads })
  })
})
