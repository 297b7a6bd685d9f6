/** Outlines as a scripted model answers them: no two have a sentence in common. */
import type { ModelServer } from './server.ts'
import { textFor } from './texts.ts'

/** An outline. */
export function outlineOf(number: number, scenes = 2) {
  return {
    title: `The road ${number}`,
    scenes: Array.from({ length: scenes }, (_, at) => ({
      title: `Stage ${number}.${at + 1}`,
      summary: `Plan ${number}.${at + 1} begins. ${textFor(`plan ${number} ${at}`, 4)}`,
    })),
  }
}

/** Has the server answer with outlines, the first for chapter 1 of those that are planned. A text stands for itself. */
export function scriptOutlines(
  { script }: Pick<ModelServer, 'script'>,
  ...answers: readonly (string | object)[]
): void {
  for (const [at, answer] of answers.entries())
    script.add({
      prompt: `Plan one chapter, ${at + 1} of `,
      answer: { is: 'text', text: typeof answer === 'string' ? answer : JSON.stringify(answer, null, 2) },
    })
}
