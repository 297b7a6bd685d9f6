/** The answer of a model that was asked for an outline: read as JSON, and checked. */
import { z } from 'zod'
import { checkProse, type FindingCode } from '../checks/check-prose.ts'
import { jsonOf, noJson, type Read } from '../models/ask-twice.ts'
import { type ChapterOutline, chapterOutline, outlineText } from './outline.ts'

/** What an outline is checked against. */
export interface ExpectedOutline {
  /** BCP 47 tag of the novel's language; `und` where it is unknown. */
  readonly language: string
  /** The fixed text of the prompt. */
  readonly instructions: string
  /** Titles of the chapters of the novel, and of those that are planned. */
  readonly titles: readonly string[]
  /** Summaries of what is there, and of what is planned. */
  readonly summaries: readonly string[]
}

/** Findings that make an outline unusable; it is no prose, so its length and its names say nothing. */
const faultCodes: ReadonlySet<FindingCode> = new Set([
  'NO_PROSE',
  'PROMPT_ECHO',
  'LOOP',
  'REPEATS_TEXT_BEFORE',
  'OTHER_LANGUAGE',
])

/** Reads an answer, and checks its outline. */
export function readOutline(answer: string, expected: ExpectedOutline): Read<ChapterOutline> {
  const json = jsonOf(answer)
  if (json === undefined) return { fault: noJson }
  const parsed = chapterOutline.safeParse(plain(json))
  if (!parsed.success) return { fault: `The outline is not whole: ${z.prettifyError(parsed.error)}` }
  const fault = faultOf(parsed.data, expected)
  return fault === undefined ? { value: parsed.data } : { fault }
}

/** Returns the fields of an outline alone, with beats that are a list as lines. */
function plain(json: unknown): unknown {
  const { title, scenes } = Object(json) as { title?: unknown; scenes?: unknown }
  if (!Array.isArray(scenes)) return { title, scenes }
  return {
    title,
    scenes: scenes.map(scene => {
      const { title, summary } = Object(scene) as { title?: unknown; summary?: unknown }
      return { title, summary: Array.isArray(summary) ? summary.join('\n') : summary }
    }),
  }
}

function faultOf(outline: ChapterOutline, expected: ExpectedOutline): string | undefined {
  const { language, instructions, titles, summaries } = expected
  const known = new Set([...titles, ...summaries].map(normalised))
  const again = [outline.title, ...outline.scenes.map(({ summary }) => summary)].find(text =>
    known.has(normalised(text)),
  )
  if (again !== undefined) return `The novel has this already: ${again}`
  const told = outline.scenes.map(({ summary }) => normalised(summary))
  if (new Set(told).size < told.length) return 'Two scenes of the outline are the same.'
  const found = checkProse(outlineText(outline), { language, instructions, textBefore: summaries.join('\n') })
  return found.faults.find(({ code }) => faultCodes.has(code))?.message
}

/** Returns the letters and digits of a text in lower case. */
function normalised(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}
