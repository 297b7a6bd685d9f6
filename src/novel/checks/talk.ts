import { defuse } from '../prompts/prompts.ts'

/**
 * What an answer has that is no prose of the novel: talk about the task, marks of the prompt, code fences, what a model thinks. Talk counts at
 * the beginning and at the end only: anybody in a story may say anything.
 */

/** A place in a text, in code units. */
export interface Place {
  readonly from: number
  readonly to: number
}

/** Code units at each end of an answer in which talk is searched. */
const talkWithin = 400

const work =
  '(?:scene|story|text|part|chapter|continuation|draft|version|passage|prose|rewrite|novel|next section)'
const given = `here(?:['’]s| is| are) (?:the|your|a|an|my)\\b[^.\\n]{0,60}\\b${work}\\b[^.:\\n]{0,80}`
const sorry = "(?:i['’]m sorry|i am sorry|i apologi[sz]e|sorry)(?:[,.!:—]| but\\b)[^.\\n]{0,20}\\bi"
const unable = "(?: can(?:['’]t|not)| am (?:unable|not able) to|['’]m (?:unable|not able) to| won['’]t)"
const done =
  '(?:write|rewrite|continue|create|generate|produce|fulfil+|comply|assist|help with (?:that|this))'
const workInChinese = '(?:场景|正文|续写|小说|片段|改写)'
/** From the first character. A novel may begin with such words too: a word of the task has to follow. */
const opening = [
  `(?:sure|certainly|of course|absolutely|okay|ok|great)\\b[,.!:]*\\s+${given}(?::|[.!]?\\**\\s*(?:\\n|$))`,
  `${given}:\\**\\s*(?:\\n|$)`,
  `(?:sure|certainly|of course|absolutely)[,.!:]+\\s+(?:i['’]ll|i will|i can|let me)\\b[^.\\n]{0,80}\\b(?:write|continue|${work})\\b`,
  `${sorry}${unable}\\b[^.\\n]{0,40}\\b${done}\\b`,
  'as an ai\\b(?: (?:language )?(?:model|assistant))?,? i\\b',
  `(?:好的|当然|没问题|可以)[，,。.！!：:\\s]*(?:以下|下面|这是|我来|我将|让我|为[您你])[^。\\n]{0,30}${workInChinese}[^。\\n]{0,20}(?:[：:]|[。！!]?\\**\\s*(?:\\n|$))`,
  '(?:以下|下面)(?:是|为)[^。\\n]{0,30}(?:场景|正文|续写|小说|内容|部分|章节|片段|故事|改写)[^。\\n]{0,20}(?:[：:\\n]|$)',
  '作为(?:一[个名位款])?\\s*(?:AI|人工智能|大?语言模型)(?:语言模型|助手|模型)?[，,]?\\s*我',
  '(?:很?抱歉|对不起)[，,]我(?:无法|不能|没有办法)[^。\\n]{0,20}(?:写|创作|生成|提供|协助|满足|完成(?:这|该|[您你]))',
].map(source => new RegExp(`^[\\s*_#>-]*${source}`, 'iu'))
/** At the beginning of a line of the end. */
const closing = [
  'i hope (?:this|that|you)\\b[^.\\n]{0,60}\\b(?:helps?|meets|works|fits|captures|enjoy|find)\\b',
  '(?:please )?(?:let me know|feel free)\\b[^.\\n]{0,80}\\b(?:if|what|how|to)\\b',
  'would you like (?:me to|any)\\b',
  "if you(?:['’]d| would) like\\b[^.\\n]{0,40}\\b(?:i can|me to|changes)\\b",
  `[([*]*(?:word count|end of (?:the )?${work})\\b`,
  '希望(?:这|以上|[您你])[^。\\n]{0,24}(?:帮助|满意|喜欢|符合|满足)',
  '如(?:果|有|需)?[^。\\n]{0,24}(?:修改|调整|续写|改写|扩写|继续写|我继续)[^。\\n]{0,16}(?:请[^。\\n]{0,6}(?:告诉|告知|说明|指出)|随时)',
  '如(?:果|有|需)?[您你][^。\\n]{0,24}我(?:可以|会|来)[^。\\n]{0,16}(?:修改|调整|续写|改写|扩写|继续写)',
  '[（(【[]?(?:字数(?:统计)?[：:]|(?:本)?(?:场景|章节)(?:结束|完)[）)】\\]。]?$)',
].map(source => new RegExp(`^[\\s*_#>-]*${source}`, 'imu'))

/** Returns where an answer talks about itself; undefined where it does not. */
export function findTalk(text: string): Place | undefined {
  const start = text.search(/\S/u)
  if (start < 0) return undefined
  const beginning = text.slice(start, start + talkWithin)
  for (const pattern of opening) {
    const found = pattern.exec(beginning)
    if (found !== null) return { from: start, to: start + found[0].length }
  }
  const from = Math.max(0, text.trimEnd().length - talkWithin)
  // A line that the cut went through is no beginning of a line.
  const first = from === 0 ? 0 : text.indexOf('\n', from)
  if (first < 0) return undefined
  const end = text.slice(first)
  for (const pattern of closing) {
    const found = pattern.exec(end)
    if (found !== null) return { from: first + found.index, to: first + found.index + found[0].length }
  }
  return undefined
}

const markup = /^[ \t]*```|<\/?(?:think|thinking|thought|reasoning)>|<\|[a-z_]{2,30}\|>|\[\/?INST\]|<\/s>/imu

/** Returns where a text has a code fence, a tag around what a model thinks, or a mark of its template; undefined where it has none. */
export function findMarkup(text: string): Place | undefined {
  const found = markup.exec(text)
  return found === null ? undefined : { from: found.index, to: found.index + found[0].length }
}

/** Returns where a text has the mark of a text of the novel, as prompts do; undefined where it has none. */
export function findMark(text: string): Place | undefined {
  const without = defuse(text)
  if (without === text) return undefined
  let at = 0
  while (text[at] === without[at]) at += 1
  return { from: at, to: Math.min(text.length, at + '<novel-text>'.length) }
}

/** A heading, an item of a list, or a line without words; of a line without white space at its ends. */
const noProseLine =
  /^(?:#{1,6}\s|(?:[-*+•]|\d{1,3}[.)、]|[一二三四五六七八九十]{1,3}、)\s*\S|\*\*[^*]+\*\*$|\P{L}*$)/u

/** Whether a text has lines of prose, besides headings, lists and lines without a letter. */
export function hasProse(text: string): boolean {
  return text.split('\n').some(line => !noProseLine.test(line.trim()))
}
