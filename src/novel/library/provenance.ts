/** How a text or a summary came about, so that it can be traced to the attempt that wrote it. */
import type { Usage } from '../../index.ts'
import { defined } from '../../task/defined.ts'
import type { PromptNote } from '../fields.ts'

/** Who wrote something: a person, or an attempt of a task. */
export type Writer = { userId: string } | TaskWriter

/** An attempt of a task. */
export interface TaskWriter {
  taskId: string
  attempt: number
}

/** Read from a file, picked from the text, written by a model, or by a person. */
export type ProvenanceMethod = 'imported' | 'extractive' | 'generative' | 'person'

/** What the calls that made a text used, all together. */
export type UsageNote = Pick<Usage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'cost'>

/** How a text or a summary came about. */
export interface Provenance {
  method: ProvenanceMethod
  /** Id of the model that made it. */
  model?: string
  prompt?: PromptNote
  /** What else the model was given, such as the length or the temperature. */
  parameters?: Readonly<Record<string, string | number | boolean>>
  usage?: UsageNote
  /** Why the model ended, in the provider's words. */
  finishReason?: string
  /** What the text was to tell, such as the summary that it was written from; at most `longestBrief` code units are kept. */
  brief?: string
  /** It was a candidate. The rest still says how that came about. */
  accepted?: Accepted
  /** It was put back from the history. The rest still says how it came about. */
  restored?: Restored
}

/** Where an accepted text comes from. */
export interface Accepted {
  candidateId: string
  /** Who wrote the candidate, and when. */
  writtenBy: Writer
  writtenAt: number
  /** A person made the text of the candidate and of the text before it. */
  merged?: true
}

/** Where a restored text comes from. */
export interface Restored {
  /** The entry of the history. */
  entryId: string
  /** Who wrote it first, and when; absent where that was not recorded. */
  writtenBy?: Writer
  writtenAt?: number
}

/** A provenance with who put the text where it is, and when. */
export interface Origin extends Provenance {
  writtenBy: Writer
  writtenAt: number
}

/** Code units of a brief that are kept: it is stored with every text, and is there to recognise what was asked. */
const longestBrief = 2_000

/** The provenance in an object that says more; what is undefined is left out, a long brief is cut. */
export function provenanceOf<Method extends ProvenanceMethod>(
  given: { [Part in keyof Provenance]?: Provenance[Part] | undefined } & { method: Method },
): Provenance & { method: Method } {
  const { method, model, prompt, parameters, usage, finishReason, accepted, restored } = given
  const brief = given.brief?.slice(0, longestBrief).replace(/[\uD800-\uDBFF]$/, '')
  return { method, ...defined({ model, prompt, parameters, usage, finishReason, accepted, restored, brief }) }
}
