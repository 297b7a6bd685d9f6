import { z } from 'zod'
import { type LevelSummary, type LevelUnit, levels } from '../../novel/library/levels.ts'
import { id, named, plainText } from './fields.ts'
import { originSchema } from './scene.ts'

/** Ids in paths. */
export const unitParams = z.object({ novelId: id, unitId: id })

const unitFields = {
  id: z
    .string()
    .describe('That of the chapter, the volume or the novel; stretches of chapters have their own'),
  level: z.enum(levels).describe('`stretch`: several chapters of a long volume'),
  title: z.string(),
  volumeId: z.string().optional(),
  firstChapter: z.int().describe('Position over the whole novel, from 0'),
  lastChapter: z.int(),
  parts: z.int().describe('Scenes or units that its summary is made of'),
  state: z
    .enum(['empty', 'missing', 'current', 'out-of-date'])
    .describe('`out-of-date`: something below it changed since. `empty`: there is nothing to summarise'),
  version: z.int().describe('Of its summary; 0 where there was none'),
  byPerson: z.boolean().describe('A person wrote it: no task overwrites it'),
}

/** A chapter, a stretch of chapters, a volume or the book, with the state of its summary. */
const unitSchema = named('SummaryUnit', z.object(unitFields))

/** The units of a novel. */
export const unitsSchema = named(
  'Summaries',
  z.object({
    outOfDate: z.int().describe('Summaries of scenes and units that UpdateSummaries would make'),
    items: z.array(unitSchema),
  }),
)

/** A unit with its summary. */
export const unitSummarySchema = named(
  'UnitSummary',
  z.object({
    ...unitFields,
    summary: originSchema.extend({ text: z.string(), language: z.string().optional() }).optional(),
  }),
)

/** A summary in a person's words. */
export const unitEditBody = named(
  'UnitSummaryEdit',
  z.strictObject({ text: plainText(10_000).describe('Empty: left to tasks again') }),
)

/** Returns a unit for a response. */
export function presentUnit({ digest: _, isByPerson, parts, ...unit }: LevelUnit) {
  return { ...unit, parts: parts.length, byPerson: isByPerson }
}

/** Returns a unit with its summary, where it has one. */
export function presentUnitSummary(unit: LevelUnit, summary: LevelSummary | undefined) {
  if (summary === undefined) return presentUnit(unit)
  const { version: _, ...shown } = summary
  return { ...presentUnit(unit), summary: shown }
}
