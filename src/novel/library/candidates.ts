/**
 * Candidates: texts that models made for a scene, beside its text. Nothing of a scene is replaced unless somebody accepts one.
 *
 * A scene has at most 20 open ones and 20 closed ones, the newest of each. An older open one counts as discarded, the oldest closed one is deleted;
 * the one that was accepted last is always kept, so that it can be undone.
 */

import { z } from 'zod'
import type { Page, PageRequest } from '../../task/page.ts'
import { type Finding, findingCodes } from '../checks/check-prose.ts'
import { count } from '../fields.ts'
import type { BlockNote } from '../models/blocks.ts'
import type { Provenance, TaskWriter, Writer } from './provenance.ts'
import type { SceneWritten } from './scenes.ts'

/** What a check found in a text. */
export const finding = z.object({
  code: z.enum(findingCodes),
  message: z.string(),
  figure: z.number().optional(),
  limit: z.number().optional(),
  from: count.optional(),
  to: count.optional(),
  names: z.array(z.string()).optional(),
})

/** What became of a candidate: nothing yet, its text is or was in the scene, or nobody wants it. */
export const candidateStatuses = ['open', 'accepted', 'discarded'] as const

/** What became of a candidate. */
export type CandidateStatus = (typeof candidateStatuses)[number]

/** Open candidates of a scene, and closed ones, that are kept: the newest. */
export const keptCandidates = 20

/** When a text enters its scene without a person: never, where nothing is replaced, or whatever is replaced. */
export type Acceptance = 'by-author' | 'where-empty' | 'automatically'

/** A text that a task made for a scene. */
export interface TextProposal {
  /** Derived from the task, so that a repeated attempt proposes the same one: at most 100 characters. */
  id: string
  sceneId: string
  /**
   * `version` of the scene that was read. Checkpoint it with the text: an attempt that reads the scene anew would take an edit that was made since
   * for its own.
   */
  expectedVersion: number
  /** Not blank. */
  content: string
  provenance: Provenance
  writer: TaskWriter
  /** The root of the tree of the task: a whole run is undone by it. */
  rootTaskId: string
  /** Number of the text within the task, from 1. */
  number: number
  /** The candidate that it was asked for in place of. */
  insteadOf?: string
  /**
   * The text was written from the summary that was read: unless that changed since, it counts as describing the new text. Default false: a summary
   * is out of date as soon as the text changes.
   */
  fromSummary?: boolean
  /** `never`: it is kept without being offered. `if-unchanged`: likewise where somebody changed the text since it was read, and it enters elsewhere. */
  accept: Acceptance | 'never' | 'if-unchanged'
  /** What speaks against the text. */
  faults?: readonly Finding[]
  /** What somebody should look at. */
  marks?: readonly Finding[]
  /** What the model was shown: the blocks of the prompt of each part. */
  prompts?: readonly (readonly BlockNote[])[]
  /** The stretch of the text that is new, where the rest is that of the scene; UTF-16 code units. */
  passage?: { start: number; end: number }
}

/** A candidate. */
export interface Candidate
  extends Pick<
    TextProposal,
    | 'id'
    | 'sceneId'
    | 'provenance'
    | 'rootTaskId'
    | 'number'
    | 'insteadOf'
    | 'faults'
    | 'marks'
    | 'prompts'
    | 'passage'
  > {
  novelId: string
  status: CandidateStatus
  /** Empty for one that was in the scene and that the history does not keep any more. */
  text: string
  words: number
  characters: number
  /** `version` of the scene that it was made from. */
  baseVersion: number
  writtenBy: TaskWriter
  createdAt: number
  /** Who accepted or discarded it; absent while it is open, and of one that newer ones displaced. */
  closedBy?: Writer
  closedAt?: number
}

/** A candidate as it is kept. */
export interface CandidateRecord extends Omit<Candidate, 'text'> {
  /** Rises within the scene. */
  order: number
  /** Absent where it is kept as a text of the scene. */
  text?: string
  /** `textVersion` of the scene with its text: there, or in the history. */
  textAt?: number
  fromSummary?: boolean
  /** What its text is or was in the place of, while it is accepted. */
  replaced?: Replaced
}

/** What a text replaced: of several texts of one tree of tasks, what the first of them did. */
export interface Replaced {
  /** `textVersion` of the text before it. */
  textVersion: number
  /** There was no text. */
  isEmpty: boolean
  /** The summary described that text, and describes the new one. */
  isSummarised: boolean
}

/** A candidate that a person decides about. */
export interface CandidateChoice {
  sceneId: string
  candidateId: string
  /** `version` of the scene that was read. */
  expectedVersion: number
}

/** A candidate that is to become the text of its scene. */
export interface CandidateAcceptance extends CandidateChoice {
  /**
   * The text that a person made of the candidate and the text of the scene. Default: the whole candidate; of one in which a passage is new and whose
   * scene changed since, that passage in the text of the scene.
   */
  content?: string
}

/** What became of a proposal. `missing`: the scene was deleted. */
export type Proposed = CandidateStatus | 'missing'

/** What undoing a run did. */
export interface UndoneRun {
  /** Scenes that have the text again that they had before the run. */
  undone: number
  /** Scenes whose text is not that of the run any more, or whose text before it is not kept: they are as they were. The first 100. */
  left: readonly { sceneId: string; novelId: string }[]
  /** How many there are. */
  leftScenes: number
}

/** The candidates of the scenes of published novels. */
export interface CandidateStore {
  /**
   * Keeps a text that a task made, and has it enter its scene where `accept` says so and the text of the scene is what was read. All in one write.
   * What is known already changes nothing: then it returns what became of it. Not scoped to a user: the task has read the scene as its user.
   * Throws OPTION_INVALID for a text that is blank, and for an id that a candidate of another scene has.
   */
  propose(proposal: TextProposal): Promise<Proposed>
  /** Those of a scene, newest first, without their prompts. Throws SCENE_NOT_FOUND. */
  candidates(
    userId: string,
    filter: { sceneId: string; status?: readonly CandidateStatus[] },
    page: PageRequest,
  ): Promise<Page<Candidate>>
  /** Throws SCENE_NOT_FOUND, CANDIDATE_NOT_FOUND. */
  candidate(userId: string, wanted: { sceneId: string; candidateId: string }): Promise<Candidate>
  /**
   * Has a candidate become the text of its scene, as an edit by that person would; what was there goes into the history. A discarded one too.
   * Throws CANDIDATE_NOT_FOUND, OPTION_INVALID for a text that is blank or too long, and SELECTION_NOT_FOUND where the text of the scene changed, and has
   * no single place for the passage of the candidate any more.
   */
  accept(userId: string, acceptance: CandidateAcceptance): Promise<SceneWritten>
  /** Closes an open candidate; the text of the scene stays. One that is closed stays as it is. Throws CANDIDATE_NOT_FOUND. */
  discard(userId: string, choice: CandidateChoice): Promise<SceneWritten>
  /**
   * Gives every scene of the user whose text is that of a tree of tasks the text that it had before, a scene at a time; accepted candidates of the tree
   * are discarded then. Called again it goes on where it ended.
   */
  undo(userId: string, rootTaskId: string): Promise<UndoneRun>
}
