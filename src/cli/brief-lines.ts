import { printable } from './width.ts'

/** What of the result of SceneBrief is shown. */
export interface BriefResult {
  label: string
  beats: readonly string[]
  people: readonly string[]
  places: readonly string[]
  otherNames: readonly string[]
  passages: readonly { sceneId: string; chapterTitle: string; text: string }[]
  openQuestions: readonly string[]
}

/** A scene brief for a person; it says what it is. */
export function briefLines(result: BriefResult): string[] {
  const { label, beats, people, places, otherNames, passages, openQuestions } = result
  const names = [
    ...namesLine('people', people),
    ...namesLine('places', places),
    ...namesLine('other names', otherNames),
  ]
  return [
    label,
    ...section(
      'What happens:',
      beats.map((beat, at) => `  ${at + 1}. ${oneLine(beat)}`),
    ),
    ...section('Names, found by patterns:', names),
    ...section(
      'Close passages:',
      passages.flatMap(({ sceneId, chapterTitle, text }) => [
        `  ${oneLine(chapterTitle)}, scene ${sceneId}`,
        ...text.split('\n').map(line => `    ${printable(line)}`.trimEnd()),
        '',
      ]),
    ),
    ...section(
      'Open questions:',
      openQuestions.map(question => `  - ${oneLine(question)}`),
    ),
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  return ['', title, ...(lines.at(-1) === '' ? lines.slice(0, -1) : lines)]
}

function namesLine(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`  ${what}: ${names.map(oneLine).join(', ')}`]
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*\n\s*/g, ' '))
}
