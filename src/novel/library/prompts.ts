/** The prompts that the author of a novel has written in place of those of the server. */
import type { OwnPrompt, PromptKey } from '../prompts/prompts.ts'

/** All of a novel; version 0 where there never was one. */
export interface NovelPrompts {
  readonly version: number
  readonly prompts: readonly OwnPrompt[]
}

/** A change of one of them, over the version of all that its writer has read. */
export interface PromptChange extends PromptKey {
  /** Absent: the novel is to have none in place of that of the server. */
  readonly text?: string
  readonly expectedVersion: number
}

/** The own prompts of novels. */
export interface PromptStore {
  /** Throws NOVEL_NOT_FOUND. */
  read(userId: string, novelId: string): Promise<NovelPrompts>
  /**
   * Writes or removes one. `conflict`: somebody changed one of them since they were read; `version` is the one that is there now. Throws
   * NOVEL_NOT_FOUND, and PROMPT_INVALID for a text that cannot be used.
   */
  set(
    userId: string,
    novelId: string,
    change: PromptChange,
  ): Promise<{ readonly outcome: 'applied' | 'conflict'; readonly version: number }>
}
