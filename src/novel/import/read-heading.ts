import { type Heading, LONGEST_HEADING } from './heading.ts'
import { chineseHeading } from './heading-chinese.ts'
import { englishHeading } from './heading-english.ts'
import { numeralHeading } from './heading-numeral.ts'
import { undecorate } from './heading-text.ts'

/** Reads a trimmed line as a heading. Takes bounded time: lines above LONGEST_HEADING are never headings. */
export function readHeading(line: string): Heading | undefined {
  if (line.length > LONGEST_HEADING) return undefined
  const text = undecorate(line)
  if (text === '') return undefined
  return chineseHeading(text) ?? englishHeading(text) ?? numeralHeading(text)
}
