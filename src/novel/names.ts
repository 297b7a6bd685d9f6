import { detectLanguage, englishFunctionWords } from '../ai/text/language.ts'

/** Most names of a list. */
export const mostNames = 40

/** Finds names in English or Chinese texts of one novel, at most 40 of a kind by default; in other languages, words with capitals. */
export function findNames(texts: readonly string[], most = mostNames): FoundNames {
  const text = texts.join('\n')
  return frequentNames(detectLanguage(text).writing === 'cjk' ? chineseNames(text) : spacedNames(text), most)
}

const capital = "\\p{Lu}(?:[\\p{L}\\p{M}'’]|-(?=\\p{L}))*"
const title = 'Mr|Mrs|Ms|Miss|Dr|Sir|Lady|Lord|Captain|Colonel|Madame|Aunt|Uncle|King|Queen|Prince|Princess'
/**
 * The sign before a name shows whether it begins a sentence; `(?<!)` would be slow on long texts. A line end takes no further ones: many
 * of them would take quadratic time.
 */
const spaced = new RegExp(
  `(?<before>[\\p{L}\\d,;)’']\\s+|[.!?:…“"‘(]\\s*|\\n[^\\S\\n]*|^)(?<title>(?:${title})\\.?[ \\t]+)?(?<name>${capital}(?:[ \\t]+(?:(?:of|de|von|van)[ \\t]+)?${capital}){0,3})`,
  'gu',
)
const speech =
  'said|asked|cried|replied|answered|whispered|shouted|exclaimed|thought|smiled|nodded|laughed|sighed|looked|knew|felt|went|came|turned'
const saysAfter = new RegExp(`^(?:’s|'s)?,?\\s+(?:${speech})\\b`, 'u')
const saysBefore = new RegExp(`\\b(?:${speech})\\s+$`, 'u')
/** Behind "the" only some of these speak of a place: one looks at the Caterpillar, and speaks to the Keeper. */
const whereBefore =
  /\b(?:(?:in|near|into|through|beyond|across|outside|leaving)\s+(?:the\s+)?|(?:at|to|from|towards?|of)\s+)$/iu
const placeWord =
  /\b(?:Street|Road|Lane|Castle|Hall|House|Park|Bridge|River|Hill|Wood|Forest|Square|Abbey|Church|Inn|Bay|Island|Mountain|Valley|Town|City|Sea|Lake|Court|Palace|Tower)$/u
const notNames = new Set(
  'Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October November December Chapter Volume Part Book English French Yes No Oh Ah Well Then But And St Mr Mrs Ms Miss Dr Sir Lady Lord Captain Colonel Madame Aunt Uncle King Queen'.split(
    ' ',
  ),
)

/** The end of what is a time and no name: "Fridays", "Each Friday". */
const weekday = /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?$/u

function* spacedNames(text: string): Generator<Sighting> {
  const lower = new Set(text.match(/(?<![\p{L}'’])\p{Ll}[\p{L}'’-]*/gu) ?? [])
  for (const found of text.matchAll(spaced)) {
    const { before = '', title: form = '', name: whole = '' } = found.groups ?? {}
    const name = whole.replace(/['’]s$/u, '')
    const words = name.split(/\s/u)
    const first = words[0] ?? ''
    const isBegin = !/[\p{L}\d,;)’']\s+$/u.test(before)
    if (isCommon(first, { isBegin, lower }) || weekday.test(words.at(-1) ?? '')) continue
    const end = found.index + found[0].length - (whole.length - name.length)
    const start = end - name.length
    const around = { before: text.slice(Math.max(0, start - 24), start), after: text.slice(end, end + 24) }
    yield {
      name: form === '' ? name : `${form.trim()} ${name}`,
      isPerson: form !== '' || saysAfter.test(around.after) || saysBefore.test(around.before),
      isPlace: placeWord.test(name) || (form === '' && whereBefore.test(around.before)),
      isSure: !isBegin || form !== '' || /\s/u.test(name),
    }
  }
}

/** Whether a word is no name. The first word of a sentence has a capital too. */
function isCommon(
  word: string,
  { isBegin, lower }: { isBegin: boolean; lower: ReadonlySet<string> },
): boolean {
  const isShouted = word.length > 1 && word === word.toUpperCase()
  if (word.length < 2 || isShouted || notNames.has(word)) return true
  if (/['’]\p{Ll}/u.test(word)) return true
  const plain = word.toLowerCase()
  return englishFunctionWords.has(plain) || (isBegin && lower.has(plain))
}

const han = '\\p{Script=Han}'
const clause = '(?:^|[，。！？；：、…“”‘’「」『』（）\\s])'
/** The manner of speaking, before the word for speaking. */
const manner =
  '(?:大笑|微笑|冷笑|苦笑|笑|大怒|怒|大惊|惊|泣|哭|叹|谢|拜|急|忙|连忙|低声|轻声|大声|厉声|又|便|乃|遂|再|答|点头|摇头|起身|回头)'
const spoken = new RegExp(
  `${clause}(?<name>${han}{2,4}?)${manner}?(?:曰|道(?=[：:，“「])|说道|笑道|问道|答道|叹道|喝道|叫道|喊道|说(?=[：:，“「])|问(?=[：:，“「]))`,
  'gu',
)
const surname =
  '[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严金魏陶姜谢邹苏潘葛范彭鲁韦马苗方俞任袁柳史唐薛雷贺倪汤罗毕郝邬安常于傅齐康伍余顾孟黄穆萧尹姚邵汪祁毛狄戴宋庞熊纪舒屈项祝董梁杜阮蓝季贾路江童颜郭梅林徐邱骆高夏蔡田樊胡凌霍虞万柯卢莫房丁邓洪包左石崔龚程陆翁荀段关刘叶龙黎乔谭姬]|诸葛|司马|夏侯|欧阳|上官|皇甫|东方|慕容|公孙|令狐'
/** At the beginning of a clause, the place of a subject. */
const named = new RegExp(
  `${clause}(?<name>(?:${surname})${han}{1,2}?)(?=[${'与和同在见听闻引率领大亦又乃遂便将把被对向说道笑问看走来去，。：、'}])`,
  'gu',
)
const place = new RegExp(
  `(?:在|至|到|往|入|出|赴|回|奔|投|取|攻|守|离|过|望)(?<name>${han}{1,3}?(?:州|城|县|郡|山|江|河|关|寨|府|村|镇|宫|殿|庙|寺|楼|街|桥|谷|湖|港|岛|国|庄|亭|坡|渡))`,
  'gu',
)
const noName =
  /[曰笑怒喜肃]|^(?:众|二人|三人|有人|左右|一人|旁人|大家|[他我你她]|于是|不知|正是|自己|这|那|最后|大呼|忽然|突然|对|壮士)/u

function* chineseNames(text: string): Generator<Sighting> {
  for (const name of names(text, spoken)) yield { name, isPerson: true, isPlace: false, isSure: true }
  for (const name of names(text, named)) yield { name, isPerson: true, isPlace: false, isSure: false }
  for (const name of names(text, place)) yield { name, isPerson: false, isPlace: true, isSure: false }
}

function* names(text: string, pattern: RegExp): Generator<string> {
  for (const found of text.matchAll(pattern)) {
    const name = found.groups?.['name'] ?? ''
    if (!noName.test(name)) yield name
  }
}

/** Names in a text, most frequent first. They are found by patterns, without a dictionary, and are not complete. */
export interface FoundNames {
  readonly people: readonly string[]
  readonly places: readonly string[]
  /** Names that may be people or places. */
  readonly others: readonly string[]
}

/** An occurrence of a name in a text. */
interface Sighting {
  readonly name: string
  /** The words around it usually stand around people, or around places. */
  readonly isPerson: boolean
  readonly isPlace: boolean
  /** Written or used as only names are; other names must occur often. */
  readonly isSure: boolean
}

/** Occurrences of a name that is never written as only names are. */
const often = 3

/** Returns the most frequent names, by number of occurrences, then in the order of the text. */
function frequentNames(sightings: Iterable<Sighting>, most: number): FoundNames {
  const none = { count: 0, people: 0, places: 0, sure: 0 }
  const seen = new Map<string, typeof none>()
  for (const { name, isPerson, isPlace, isSure } of sightings) {
    const known = seen.get(name) ?? { ...none }
    known.count += 1
    known.people += Number(isPerson)
    known.places += Number(isPlace)
    known.sure += Number(isSure)
    seen.set(name, known)
  }
  const names = [...seen]
    .filter(([, { count, sure }]) => sure > 0 || count >= often)
    .sort(([, a], [, b]) => b.count - a.count)
  const those = (which: (name: typeof none) => boolean) =>
    names
      .filter(([, each]) => which(each))
      .map(([name]) => name)
      .slice(0, most)
  return {
    people: those(({ people, places }) => people > 0 && people >= places),
    places: those(({ people, places }) => places > people),
    others: those(({ people, places }) => people === 0 && places === 0),
  }
}
