import { detectLanguage } from '../../ai/text/language.ts'

/** The language of a text, BCP 47: as its letters tell, else as somebody said, else `und`. */
export function textLanguage(text: string, said: string | undefined): string {
  const { tag } = detectLanguage(text)
  return tag === 'und' ? (said ?? tag) : tag
}
