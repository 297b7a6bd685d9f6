import type { Command } from 'commander'
import type { StyleJson } from '../../http/schemas/style.ts'
import { findNovel } from '../find-novel.ts'
import { ask, type Register, type Run } from '../run.ts'
import { printable, tableLines } from '../text.ts'
import { countOf, numberText } from '../words.ts'

type Chapter = StyleJson['chapters'][number]
type Term = StyleJson['words'][number]

/** Adds `quillwork novels style`. */
export function addNovelStyle(novels: Command, register: Register, novelArgument: string): void {
  novels
    .command('style')
    .description('Count sentences, dialogue, and the words, phrases and openings that come again')
    .argument('<novel>', novelArgument)
    .action(register(style))
}

function style(run: Run) {
  return ask(
    run,
    async client => {
      const { id } = await findNovel(client, run.arguments[0] ?? '')
      return client.get<StyleJson>(`/v1/novels/${id}/style`)
    },
    found => styleLines(found, run.terminal.columns),
  )
}

function styleLines({ whole, chapters, approximate, ...lists }: StyleJson, columns: number): string[] {
  const { words, sentences, wordsPerSentence, dialogue, repeatedOpenings } = whole
  return [
    `${countOf(words, 'word')}, ${countOf(sentences, 'sentence')} of ${wordsPerSentence.toFixed(1)} words, ${percentText(dialogue)} in quotation marks`,
    `${countOf(repeatedOpenings, 'sentence')} with the beginning of the sentence before`,
    '',
    ...tableLines<Chapter>(
      chapters,
      [
        { title: 'CHAPTER', text: ({ position }) => numberText(position + 1), right: true },
        { title: 'WORDS', text: chapter => numberText(chapter.words), right: true },
        { title: 'SENTENCES', text: chapter => numberText(chapter.sentences), right: true },
        { title: 'MEAN', text: chapter => chapter.wordsPerSentence.toFixed(1), right: true },
        { title: 'DIALOGUE', text: chapter => percentText(chapter.dialogue), right: true },
        { title: 'REPEATED', text: chapter => numberText(chapter.repeatedOpenings), right: true },
        { title: 'MORE THAN ELSEWHERE', text: distinctText },
      ],
      columns,
    ),
    ...termLines('Words', lists.words),
    ...termLines('Phrases', lists.phrases),
    ...termLines('Sentences begin with', lists.sentenceOpenings),
    ...termLines('Paragraphs begin with', lists.paragraphOpenings),
    ...(approximate
      ? ['', 'The novel is long: rare terms were left out, and counts in these lists may be too low.']
      : []),
  ]
}

function percentText(share: number): string {
  return `${Math.round(share * 100)}%`
}

function distinctText({ distinctWords, distinctPhrases }: Chapter): string {
  return [...distinctWords, ...distinctPhrases]
    .map(({ text, count, elsewhere }) => `${text} ${numberText(count)} (${numberText(elsewhere)})`)
    .join(', ')
}

function termLines(title: string, terms: readonly Term[]): string[] {
  if (terms.length === 0) return []
  return [
    '',
    `${title}: ${terms.map(({ text, count }) => `${printable(text)} ${numberText(count)}`).join(', ')}`,
  ]
}
