import type { PromptLanguage } from '../prompts/data-text.ts'

/** What is known of a scene before it is written. */
export interface Known {
  readonly beats: readonly string[]
  /** Names in the summary that the novel uses elsewhere too. */
  readonly people: readonly string[]
  readonly places: readonly string[]
  /** Names in the summary that stand nowhere else in what was looked at. */
  readonly strangers: readonly string[]
  readonly summary: string
  /** There is a text or a summary before the scene. */
  readonly hasBefore: boolean
}

type Question = (known: Known) => string | undefined

const timeWords: Record<PromptLanguage, RegExp> = {
  en: /\b(?:morning|noon|afternoon|evening|night|midnight|dawn|dusk|day|week|month|year|hour|winter|spring|summer|autumn|later|before|after|next|yesterday|tomorrow|when|while)\b/iu,
  zh: /[晨早午晚夜昼春夏秋冬]|黄昏|天[亮明黑]|[日月年]|时候|次日|翌日|后来|之[前后]/u,
}

const questions: Record<PromptLanguage, readonly Question[]> = {
  en: [
    ({ people }) =>
      people.length === 0
        ? 'Through whose eyes is it told? The summary names nobody whom the novel knows.'
        : undefined,
    ({ places }) =>
      places.length === 0 ? 'Where does it happen? The summary names no place of the novel.' : undefined,
    ({ summary }) =>
      timeWords.en.test(summary) ? undefined : 'When does it happen? The summary gives no time.',
    ({ strangers }) =>
      strangers.length > 0
        ? `Who or what is ${strangers.join(', ')}? It was not found elsewhere in the novel.`
        : undefined,
    ({ beats }) =>
      beats.length < 2
        ? 'What is different at its end from its beginning? The summary tells one step only.'
        : undefined,
    ({ hasBefore }) => (hasBefore ? 'How does it follow from the scene before?' : undefined),
  ],
  zh: [
    ({ people }) => (people.length === 0 ? '以谁的视角来写？梗概中没有小说里已有的人物。' : undefined),
    ({ places }) => (places.length === 0 ? '发生在哪里？梗概中没有小说里已有的地点。' : undefined),
    ({ summary }) => (timeWords.zh.test(summary) ? undefined : '发生在什么时候？梗概没有交代时间。'),
    ({ strangers }) =>
      strangers.length > 0 ? `${strangers.join('、')}是谁、是什么？小说其他地方没有找到。` : undefined,
    ({ beats }) => (beats.length < 2 ? '结尾与开头有什么不同？梗概只有一个步骤。' : undefined),
    ({ hasBefore }) => (hasBefore ? '它怎样承接前一个场景？' : undefined),
  ],
}

/** What the summary leaves open, for the author to decide. */
export function openQuestions(known: Known, language: PromptLanguage): string[] {
  return questions[language].flatMap(question => question(known) ?? [])
}
