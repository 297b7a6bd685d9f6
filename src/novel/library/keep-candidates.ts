/**
 * Candidates are written with their scene, by whose revision they are guarded: a text and what becomes of its candidate are one commit, so that no
 * crash comes between them.
 */
import { type Change, erase, getOne, insert, replace, type Stored } from '../../records/records.ts'
import { defined } from '../../task/defined.ts'
import { withPassageOf } from '../selection.ts'
import { measure } from '../words.ts'
import {
  type Candidate,
  type CandidateAcceptance,
  type CandidateRecord,
  type CandidateStatus,
  type CandidateStore,
  keptCandidates,
  type Replaced,
  type TextProposal,
} from './candidates.ts'
import { checkLength, checkWritten } from './draft-pieces.ts'
import { overwrittenTextId } from './history.ts'
import { idsOf } from './ids.ts'
import { entryAt, textAtVersion } from './keep-history.ts'
import { candidates, type LibraryParts } from './kinds.ts'
import { readPage } from './page-token.ts'
import { provenanceOf, type Writer } from './provenance.ts'
import { candidateNotFound, notTaken, passageNotPlaced } from './refusal.ts'
import { isStale, statusOf } from './scene-guard.ts'
import { closedAs, isOlderSummary, ofScene, undoRun } from './undo-run.ts'
import {
  type Decided,
  type FullScene,
  findFullScene,
  findScene,
  ownScene,
  textFields,
  writing,
} from './write-scene.ts'

/** The candidates of a library. */
export function candidateStore(library: LibraryParts): CandidateStore {
  const { records } = library
  return {
    async propose(proposal) {
      checkWritten(proposal.content)
      let status: CandidateStatus = 'open'
      const find = () => findFullScene(library, proposal.sceneId)
      const written = await writing(library, find, async (found, at) => {
        const known = await getOne(records, candidates, proposal.id, ['text'])
        if (known?.sceneId === proposal.sceneId) {
          status = known.status
          return 'unchanged'
        }
        if (known !== undefined)
          throw notTaken(`The id ${proposal.id} belongs to a candidate of another scene; choose another one.`)
        status = statusOf(found.scene, found.text, proposal)
        return proposed(library, found, { proposal, status, at })
      })
      return written.outcome === 'missing' ? 'missing' : status
    },
    async candidates(userId, { sceneId, status }, page) {
      const scene = await ownScene(library, userId, sceneId)
      const equal = { sceneId, ...defined({ status }) }
      const query = { equal, order: ['order'] as const, reverse: true }
      const listing = { name: 'candidates', filter: [sceneId, status?.join()], query }
      return readPage(records, candidates, { listing, page }, found =>
        Promise.all(
          found.map(async ({ prompts: _, ...each }) => candidateOf(await withText(library, scene, each))),
        ),
      )
    },
    async candidate(userId, wanted) {
      const scene = await ownScene(library, userId, wanted.sceneId)
      return candidateOf(await withText(library, scene, await findCandidate(library, wanted)))
    },
    async accept(userId, acceptance) {
      if (acceptance.content !== undefined) checkWritten(acceptance.content)
      const find = () => findFullScene(library, acceptance.sceneId, userId)
      return writing(library, find, (found, at) => accepted(library, found, { userId, acceptance, at }))
    },
    async discard(userId, { expectedVersion, ...wanted }) {
      const find = () => findScene(library, wanted.sceneId, userId)
      return writing(library, find, async ({ scene }, at) => {
        const candidate = await findCandidate(library, wanted)
        if (candidate.status !== 'open') return 'unchanged'
        if (isStale(scene, 'text', expectedVersion)) return 'conflict'
        const closed = { ...candidate, ...closedAs('discarded', { userId }, at) }
        return beside(library, { changed: closed, at })
      })
    },
    undo: (userId, rootTaskId) => undoRun(library, userId, rootTaskId),
  }
}

/** A candidate as readers see it. */
function candidateOf({
  order: _,
  fromSummary: __,
  replaced: ___,
  textAt: ____,
  revision: _____,
  ...candidate
}: WholeCandidate): Candidate {
  return candidate
}

/** Throws CANDIDATE_NOT_FOUND. */
async function findCandidate(
  { records }: LibraryParts,
  wanted: { sceneId: string; candidateId: string },
): Promise<Stored<CandidateRecord>> {
  const found = await getOne(records, candidates, wanted.candidateId)
  if (found?.sceneId !== wanted.sceneId) throw candidateNotFound(wanted)
  return found
}

type WholeCandidate = Stored<CandidateRecord> & { text: string }

/** The candidate with its text, which is empty where the history of the scene does not keep it any more. */
async function withText(
  library: LibraryParts,
  found: FullScene,
  candidate: Stored<CandidateRecord>,
): Promise<WholeCandidate> {
  const { text: own, textAt: version } = candidate
  if (own !== undefined || version === undefined) return { ...candidate, text: own ?? '' }
  // It entered the scene after that was read.
  const isAhead = version > found.scene.textVersion
  const { scene, text } = (isAhead && (await findFullScene(library, candidate.sceneId))) || found
  if (version === scene.textVersion) return { ...candidate, text: text.content }
  const entryId = overwrittenTextId(scene.id, version)
  return { ...candidate, text: (await entryAt(library, { sceneId: scene.id, entryId }))?.text ?? '' }
}

/** A candidate that is new, or that was read and changed. */
type Changed = CandidateRecord | Stored<CandidateRecord>
/** A candidate of the scene as it is read for that, which may take megabytes with its prompts: no write reads them twice. */
type Known = Stored<CandidateRecord, 'text'>

/** Returns the changes that write a candidate of a scene, and keep those of the scene within their number; and how many are open then. */
async function beside(
  library: LibraryParts,
  { changed, at, there }: { changed: Changed; at: number; there?: readonly Known[] | undefined },
): Promise<{ beside: readonly Change[]; openCandidates: number | undefined }> {
  const { records } = library
  const known = there ?? (await ofScene(library, changed.sceneId))
  const others = known.filter(({ id }) => id !== changed.id)
  const all: Omit<CandidateRecord, 'text'>[] = [...others, changed].sort(
    (one, other) => one.order - other.order,
  )
  const open = all.filter(({ status }) => status === 'open')
  const displaced = await records.get(candidates, idsOf(open.slice(0, -keptCandidates)))
  const closed = all
    .flatMap(each => {
      if (displaced.has(each.id)) return { ...each, closedAt: at }
      return each.status === 'open' ? [] : each
    })
    .sort((one, other) => (one.closedAt ?? 0) - (other.closedAt ?? 0))
  const lastAccepted = closed.findLast(({ status }) => status === 'accepted')
  const surplus = Math.max(0, closed.length - keptCandidates)
  const gone = closed.filter(each => each !== lastAccepted).slice(0, surplus)
  return {
    beside: [
      'revision' in changed ? replace(candidates, changed) : insert(candidates, changed),
      ...[...displaced.values()].map(each =>
        replace(candidates, { ...each, status: 'discarded', closedAt: at }),
      ),
      ...erase(candidates, idsOf(gone)),
    ],
    openCandidates: Math.min(open.length, keptCandidates) || undefined,
  }
}

/** A new candidate, and its text in the scene where it enters by itself. */
async function proposed(
  library: LibraryParts,
  found: FullScene,
  { proposal, status, at }: { proposal: TextProposal; status: CandidateStatus; at: number },
): Promise<Decided> {
  const { scene } = found
  const { id, content: text, provenance, writer, rootTaskId, number, expectedVersion } = proposal
  const { insteadOf, fromSummary, faults, marks, prompts, passage } = proposal
  const there = await ofScene(library, scene.id)
  const { words, characters } = measure(text)
  const candidate: CandidateRecord & { text: string } = {
    ...{
      id,
      sceneId: scene.id,
      novelId: scene.novelId,
      order: (there.at(-1)?.order ?? 0) + 1,
      status: 'open',
    },
    ...{ text, words, characters, rootTaskId, number, baseVersion: expectedVersion },
    ...{ provenance: provenanceOf(provenance), writtenBy: writer, createdAt: at },
    ...defined({ insteadOf, fromSummary, faults, marks, prompts, passage }),
  }
  if (status === 'open') return beside(library, { changed: candidate, at, there })
  if (status === 'discarded')
    return beside(library, { changed: { ...candidate, ...closedAs(status, writer, at) }, at, there })
  return entering(library, found, { candidate, by: writer, expectedVersion, at, there })
}

/** A person has a candidate become the text of its scene. Sent again, it finds itself. */
async function accepted(
  library: LibraryParts,
  found: FullScene,
  { userId, acceptance, at }: { userId: string; acceptance: CandidateAcceptance; at: number },
): Promise<Decided> {
  const { scene, text } = found
  const { content, expectedVersion } = acceptance
  const candidate = await withText(library, found, await findCandidate(library, acceptance))
  if (candidate.text === '') throw candidateNotFound(acceptance)
  const isThere = text.content === (content ?? candidate.text)
  if (isThere && candidate.status === 'accepted') return 'unchanged'
  if (content === undefined && isItsPassage(text, candidate, expectedVersion)) return 'unchanged'
  if (isStale(scene, 'text', expectedVersion)) return 'conflict'
  const by = { userId }
  if (isThere) return beside(library, { changed: { ...candidate, ...closedAs('accepted', by, at) }, at })
  if (content !== undefined)
    checkLength(content, text.content.length > candidate.text.length ? text.content : candidate.text)
  const taken = content ?? (await withItsPassage(library, found, candidate))
  return entering(library, found, { candidate, by, expectedVersion, at, content: taken })
}

/** Whether the passage of a candidate is in the text of its scene by a request of which this one is the repetition. */
function isItsPassage(
  { origin }: FullScene['text'],
  { id, passage }: WholeCandidate,
  expectedVersion: number,
): boolean {
  const isThere = origin?.accepted?.candidateId === id && origin.expectedVersion === expectedVersion
  return isThere && passage !== undefined
}

/** What a candidate makes of the text of its scene: all of it is replaced, or the passage that is new where the text changed since. Throws SELECTION_NOT_FOUND. */
async function withItsPassage(
  library: LibraryParts,
  { scene, text: { content } }: FullScene,
  { passage, ...candidate }: WholeCandidate,
): Promise<string> {
  const { text, baseVersion } = candidate
  if (passage === undefined || baseVersion >= scene.textVersion) return text
  const earlier = await textAtVersion(library, scene.id, baseVersion)
  const placed = earlier && withPassageOf({ text, passage }, earlier, content)
  if (!placed) throw passageNotPlaced(candidate)
  return placed
}

/** A candidate that becomes the text of its scene. */
interface Entering {
  candidate: Changed & { text: string }
  by: Writer
  expectedVersion: number
  at: number
  /** The candidates of the scene, where they are read already. */
  there?: readonly Known[]
  /** What a person made of it. */
  content?: string
}

async function entering(
  library: LibraryParts,
  found: FullScene,
  { candidate, by, expectedVersion, at, there, content = candidate.text }: Entering,
): Promise<Decided> {
  const { scene } = found
  const { provenance, writtenBy, createdAt: writtenAt } = candidate
  const version = scene.version + 1
  const { summary } = scene
  const isOfSummary =
    candidate.fromSummary === true && summary !== undefined && isOlderSummary(scene, candidate)
  const described = isOfSummary ? { summary: { ...summary, ofTextVersion: version }, summaryOf: version } : {}
  const merged = content === candidate.text ? undefined : (true as const)
  const origin = {
    ...provenance,
    accepted: { candidateId: candidate.id, writtenBy, writtenAt, ...defined({ merged }) },
    ...{ writtenBy: by, writtenAt: at, expectedVersion },
  }
  const replaced = await replacedBy(library, found, candidate)
  const isSummarised = replaced.isSummarised && isOfSummary
  const { text: own, textAt: _, ...rest } = candidate
  const closed = {
    ...{ ...rest, ...closedAs('accepted', by, at) },
    // A text is stored once.
    ...(merged ? { text: own } : { textAt: version }),
    replaced: { ...replaced, isSummarised },
  }
  const { beside: also, openCandidates } = await beside(library, { changed: closed, at, there })
  return {
    fields: { ...textFields(content, version), ...described, openCandidates },
    text: { content, origin },
    by,
    also,
  }
}

/** What undoing the tree of a candidate brings back: what is there, or what a text of the same tree, which is there, has replaced. */
async function replacedBy(
  { records }: LibraryParts,
  { scene, text }: FullScene,
  { rootTaskId }: Pick<CandidateRecord, 'rootTaskId'>,
): Promise<Replaced> {
  const { candidateId } = text.origin?.accepted ?? {}
  const there = candidateId && (await getOne(records, candidates, candidateId, ['text']))
  if (there && there.rootTaskId === rootTaskId && there.replaced) {
    const { replaced } = there
    return { ...replaced, isSummarised: replaced.isSummarised && isOlderSummary(scene, there) }
  }
  const isSummarised = scene.summary?.ofTextVersion === scene.textVersion
  return { textVersion: scene.textVersion, isEmpty: text.content === '', isSummarised }
}
