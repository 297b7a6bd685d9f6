import type { AuthorMessages } from './codes.ts'
import { english } from './en.ts'
import { chinese } from './zh.ts'

/** The languages in which authors are told what went wrong, by BCP 47 tag; the first is the default. */
const languages = { en: english, zh: chinese } as const satisfies Record<string, AuthorMessages>

/** A language that authors are spoken to in. */
export type AuthorLanguage = keyof typeof languages

/** What an author is told of an error; undefined for codes that concern whoever runs the server. */
export function authorMessage(code: string, language: AuthorLanguage): string | undefined {
  const messages: Readonly<Record<string, string>> = languages[language]
  return Object.hasOwn(messages, code) ? messages[code] : undefined
}

/** The language that an Accept-Language header prefers among ours (RFC 9110 section 12.5.4); English where it names none. */
export function languageOf(header: string | undefined): AuthorLanguage {
  let best: { language: AuthorLanguage; quality: number } = { language: 'en', quality: 0 }
  for (const range of (header ?? '').slice(0, 1_000).split(',')) {
    const match = /^\s*([a-z]{1,8})(?:-[\da-z-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(range)
    const language = match?.[1]?.toLowerCase() ?? ''
    const quality = Number(match?.[2] ?? 1)
    if (isOurs(language) && quality > best.quality) best = { language, quality }
  }
  return best.language
}

function isOurs(language: string): language is AuthorLanguage {
  return Object.hasOwn(languages, language)
}
