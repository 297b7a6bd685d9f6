/**
 * Checks the text of a scene against the codex, without a model: by the scenes where entries begin and end, by the point of view, and by the scenes
 * that changes name. Each finding has its place and a quotation; of an entry and a scene there is one of a kind.
 */
import { wholeAt } from '../../ai/text/characters.ts'
import { splitSentences } from '../../ai/text/sentences.ts'
import { hashedId } from '../../index.ts'
import type { CodexAtPlace } from '../library/codex.ts'
import { isBefore, type ScenePlace } from '../library/shelf.ts'
import type { Narration } from '../narration.ts'
import { mentionFinder } from './find-mentions.ts'

/** What can speak against a scene. */
export const codexFindingCodes = [
  'AFTER_ITS_END',
  'BEFORE_ITS_BEGINNING',
  'VIEW_AFTER_END',
  'VIEW_NOT_IN_CODEX',
  'VIEW_NOT_IN_TEXT',
] as const

/** What speaks against a scene. */
export interface CodexFinding {
  /** The same for the same entry, scene and kind, however the text changes. */
  readonly id: string
  readonly code: (typeof codexFindingCodes)[number]
  readonly sceneId: string
  /** Of the entry, or of the person whose point of view it is. */
  readonly name: string
  readonly entryId?: string
  /** The sentence, cut where it is long; and its place in the text, in code units. */
  readonly quotation: string
  readonly from: number
  readonly to: number
}

/** What the id of a finding is made of: its kind, its entry, or the name that has none, its scene; of a model, what of the entry is contradicted. */
export interface FindingSubject {
  readonly code: string
  readonly sceneId: string
  readonly entryId?: string | undefined
  readonly name?: string | undefined
  readonly entryQuotation?: string | undefined
}

/** Returns the id of a finding. */
export function findingIdOf({ code, entryId, name = '', sceneId, entryQuotation }: FindingSubject): string {
  const quoted = entryQuotation === undefined ? [] : [entryQuotation]
  return hashedId(['codex finding', code, entryId ?? name, sceneId, ...quoted].join('\n'))
}

/** A scene to check. */
export interface SceneAgainstCodex {
  readonly id: string
  readonly place: ScenePlace
  readonly content: string
  /** How it is told, that of the novel included. */
  readonly narration: Narration
}

/** Code units of a quotation. */
const longestQuotation = 300

/** Code units before a name in which its sentence begins, or is cut. */
const searchedBefore = 2_000

/** Returns what checks scenes against a codex. */
export function sceneChecker({
  entries,
  places,
}: Pick<CodexAtPlace, 'entries' | 'places'>): (scene: SceneAgainstCodex) => CodexFinding[] {
  const finder = mentionFinder(entries.map(entry => ({ ...entry, when: 'always' })))
  const byId = new Map(entries.map(entry => [entry.id, entry]))
  return ({ id: sceneId, place, content, narration }) => {
    if (entries.length === 0 || content.trim() === '') return []
    const findings = new Map<string, CodexFinding>()
    const add = (
      code: CodexFinding['code'],
      { name, id: entryId }: { name: string; id?: string },
      start = content.search(/\S/u),
    ) => {
      const id = findingIdOf({ code, entryId, name, sceneId })
      // Quoting costs more than finding, and names are mentioned thousands of times.
      if (findings.has(id)) return
      const finding = { id, code, sceneId, name, ...quoted(content, start) }
      findings.set(id, { ...finding, ...(entryId !== undefined && { entryId }) })
    }
    const lasts = (entryId: string, edge: 'begins' | 'ends') => places.get(byId.get(entryId)?.[edge] ?? '')
    const isOver = (entryId: string) => {
      const end = lasts(entryId, 'ends')
      return end !== undefined && isBefore(end, place)
    }
    const named = new Set<string>()
    for (const { start, of } of finder.places(content)) {
      const ids = new Set(of.map(each => each.entryId))
      for (const id of ids) named.add(id)
      const [id = ''] = ids
      const entry = byId.get(id)
      // A name that two entries share speaks of neither.
      if (ids.size !== 1 || entry === undefined) continue
      const begin = lasts(id, 'begins')
      if (isOver(id)) add('AFTER_ITS_END', entry, start)
      if (begin !== undefined && isBefore(place, begin)) add('BEFORE_ITS_BEGINNING', entry, start)
    }
    const { pov, povCharacter: name } = narration
    if (name === undefined) return [...findings.values()]
    // A person may share the name with others: then it is about all of them.
    const people = finder
      .places(name)
      .map(({ of }) => of.flatMap(({ entryId }) => byId.get(entryId) ?? []))
      .map(those => those.filter(({ kind }) => kind === 'person'))
    const [views = []] = people.filter(those => those.length > 0)
    const [view] = views
    if (view === undefined) add('VIEW_NOT_IN_CODEX', { name })
    else if (views.every(({ id }) => isOver(id))) add('VIEW_AFTER_END', view)
    else if (pov === 'third-limited' && !views.some(({ id }) => named.has(id))) add('VIEW_NOT_IN_TEXT', view)
    return [...findings.values()]
  }
}

/** Returns the sentence at a place of a text. */
function quoted(text: string, start: number): Pick<CodexFinding, 'quotation' | 'from' | 'to'> {
  const first = Math.max(
    wholeAt(text, Math.max(0, start - searchedBefore)),
    text.lastIndexOf('\n', start) + 1,
  )
  const line = text.slice(first, wholeAt(text, start + longestQuotation)).split('\n', 1)[0] ?? ''
  const at = start - first
  const span = [...splitSentences(line)].find(({ end }) => end > at) ?? { start: at, end: line.length }
  const from = wholeAt(text, first + Math.max(span.start, at - longestQuotation))
  const to = wholeAt(text, first + Math.min(span.end, at + longestQuotation))
  return { quotation: text.slice(from, to).trim(), from, to }
}
