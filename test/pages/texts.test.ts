import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, test } from 'vitest'

const source = fileURLToPath(new URL('../../dashboard/src/', import.meta.url))
type Texts = { [key: string]: string | Texts }

/** Every text of a language by its key, such as `tasks.filters.status`. */
function textsOf(language: string): Map<string, string> {
  const folder = path.join(source, 'text', language)
  const files = readdirSync(folder).filter(name => name.endsWith('.json'))
  return new Map(
    files.flatMap(name => {
      const texts = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Texts
      // What is around every page is several parts in one file.
      if (name === 'frame.json')
        return Object.entries(texts).flatMap(([part, below]) => flat(part, below as Texts))
      return flat(path.basename(name, '.json'), texts)
    }),
  )
}

function flat(prefix: string, texts: Texts): [string, string][] {
  return Object.entries(texts).flatMap(([key, text]) =>
    typeof text === 'string'
      ? [[`${prefix}.${key}`, text] as [string, string]]
      : flat(`${prefix}.${key}`, text),
  )
}

/** The names of the values and of the tags that a text takes, whichever of its forms is chosen. */
function namesIn(text: string): string[] {
  const names = new Set<string>()
  const visit = (elements: ReturnType<IntlMessageFormat['getAst']>): void => {
    for (const element of elements) {
      if (element.type === 0 || element.type === 7) continue
      names.add(element.value)
      if ('options' in element) for (const { value } of Object.values(element.options)) visit(value)
      if ('children' in element) visit(element.children)
    }
  }
  visit(new IntlMessageFormat(text, 'en').getAst())
  return [...names].sort()
}

const english = textsOf('en')
const chinese = textsOf('zh')

/** Everything that is written in the sources of the pages, the texts themselves left out. */
const code = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name) && entry.name !== 'schema.ts')
  .map(entry => readFileSync(path.join(entry.parentPath, entry.name), 'utf8'))
  .join('\n')

describe('the texts of the pages', () => {
  test('both languages have the same keys', () => {
    expect(english.size).toBeGreaterThan(100)
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
  })

  test('a text takes the same values in both languages', () => {
    const differ = [...english].filter(
      ([key, text]) => `${namesIn(text)}` !== `${namesIn(chinese.get(key) ?? '')}`,
    )
    expect(differ.map(([key]) => key)).toEqual([])
  })

  test('no text is empty, and none is left in the other language', () => {
    const wordsOnly = (text: string) => text.replace(/[{<][^{}<>]*[}>]|[\d\s\p{P}\p{S}]/gu, '')
    const isChinese = (text: string) => /\p{Script=Han}/u.test(text)
    expect([...english].filter(([, text]) => text.trim() === '' || isChinese(text))).toEqual([])
    // Names and units are the same everywhere.
    const isName = (text: string) =>
      /^(Quillwork|URL|API|SSE|JSON|UTC|ID|token|tokens|curl|RabbitMQ|MongoDB|SQLite|OpenAI|Anthropic|Google)*$/i.test(
        wordsOnly(text),
      )
    const untranslated = [...chinese].filter(
      ([key, text]) => !isChinese(text) && !isName(text) && english.get(key) === text,
    )
    expect(untranslated.map(([key]) => key)).toEqual([])
  })

  test('every text is used', () => {
    // A key stands in the code by its last part, alone or at the end, or is made of a value behind the parts before it: `classes.${errorClass}`.
    const written = new Set(code.match(/(?<=')[\w-]+(?=')|(?<=\.)[\w-]+(?=['`])/g))
    const isUsed = (key: string) => {
      const parts = key.split('.')
      if (written.has(parts.at(-1) ?? '')) return true
      const before = parts.slice(0, -1)
      const made = before.some((_, from) => code.includes(`\`${before.slice(from).join('.')}.\${`))
      const chosen = before.length > 1 && code.includes(`useTranslations('${before.join('.')}')`)
      return made || chosen
    }
    const byName = /^(status|taskTypes|units)\./
    const unused = [...english.keys()].filter(key => !byName.test(key) && !isUsed(key))
    expect(unused).toEqual([])
  })
})
