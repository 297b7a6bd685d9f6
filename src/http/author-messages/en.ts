import type { ErrorCode } from '../../task/errors.ts'

/** Codes that mean something to an author, and not only to an operator. */
type AuthorCode =
  | Extract<ErrorCode, `MODEL_${string}`>
  | 'FILE_KIND_UNSUPPORTED'
  | 'FILE_PROTECTED'
  | 'FILE_DAMAGED'
  | 'FILE_LIMIT_EXCEEDED'
  | 'ENCODING_FIXED'
  | 'BUDGET_EXHAUSTED'
  | 'PREDECESSOR_NOT_COMPLETED'
  | 'PROVIDER_NOT_CONFIGURED'
  | 'SCENE_EMPTY'
  | 'SCENE_NOT_FOUND'
  | 'NOVEL_IS_REFERENCE'
  | 'SCENE_CHANGED'
  | 'SELECTION_NOT_FOUND'
  | 'CODEX_TOO_LARGE'

/** A message for each code: what happened to the work and what the author can do, without technical terms. */
export type AuthorMessages = Readonly<Record<AuthorCode, string>>

/** The messages for authors in English. */
export const english: AuthorMessages = {
  MODEL_RATE_LIMITED:
    'The model takes no more requests for the moment. The work goes on by itself as soon as it does; there is nothing to do.',
  MODEL_UNAVAILABLE:
    'The model cannot be reached. It is tried again by itself; if that does not help, try later or choose another model.',
  MODEL_STALLED:
    'The model fell silent in the middle of its work. It is tried again by itself; if that does not help, choose another model.',
  MODEL_ANSWER_CUT: 'The connection to the model broke before it was done. It is tried again by itself.',
  MODEL_ANSWER_EMPTY:
    'The model answered with nothing. It is tried again by itself; if that does not help, say more in the instructions or choose another model.',
  MODEL_ANSWER_MALFORMED:
    'The answer of the model could not be read. It is tried again by itself; if that does not help, choose another model.',
  MODEL_ANSWER_FILTERED:
    'The provider of the model held the text back because of its content rules. Nothing in your novel was changed. Ask for it in other words, or choose another model.',
  MODEL_ANSWER_REFUSED:
    'The model declined to write this. Nothing in your novel was changed. Ask for it in other words, or choose another model.',
  MODEL_ANSWER_TRUNCATED:
    'The text grew longer than the model may write at once and broke off, so it was not used. Ask for a shorter text, or choose a model that writes longer ones.',
  MODEL_CONTEXT_EXCEEDED:
    'The text is too long for this model to read at once. Shorten it or split the scene, or choose a model that reads longer texts.',
  MODEL_QUOTA_EXHAUSTED:
    'The account at the provider of the model has nothing left to spend. The operator of this server has to top it up; then try again.',
  MODEL_KEY_REJECTED:
    'The provider of the model does not accept the key of this server. The operator of this server has to put that right; then try again.',
  MODEL_UNKNOWN:
    'The provider does not know this model, or this server may not use it. Choose another model, or ask the operator of this server.',
  MODEL_REQUEST_REFUSED:
    'The provider of the model did not accept the request. Choose another model, or ask the operator of this server.',
  MODEL_ADDRESS_FORBIDDEN:
    'This server may not call the model at its address. Choose another model, or ask the operator of this server.',
  PREDECESSOR_NOT_COMPLETED:
    'It was not begun, because a part before it was not finished. Have that part tried again: this one then follows.',
  BUDGET_EXHAUSTED:
    'The budget of this work is used up. What is written is kept. Raise the budget and the work goes on where it stopped.',
  PROVIDER_NOT_CONFIGURED:
    'This needs a language model, and none is set up for it here. The operator of this server can set one up; without one, nothing is made up in its place.',
  SCENE_EMPTY: 'There is nothing in this scene to work on. Write some text in it, or say what is to happen.',
  SCENE_NOT_FOUND:
    'This scene is not there any more; it may have been deleted. Look for it in the chapters of the novel and in the bin.',
  NOVEL_IS_REFERENCE:
    'This novel is a reference: it gives voice and facts to your other novels, and no model writes in it. To have something written here, mark it as no reference first.',
  SELECTION_NOT_FOUND:
    'The text was changed, and the passage that you had selected is not in it any more, or more than once. Select it again; what was written for it can be taken by the paragraph.',
  SCENE_CHANGED:
    'The scene was changed while the work on it was going on, so nothing in it was overwritten. Look at the scene, and start the work again if it is still wanted.',
  CODEX_TOO_LARGE:
    'The entries of the codex that are always told are longer than what the model may be given of the novel, so nothing was written. Shorten them, or tell some of them only when the scene mentions them.',
  FILE_KIND_UNSUPPORTED:
    'A novel cannot be made of a file of this kind. Save it as an e-book (.epub), as a document (.docx, .odt) or as plain text, and choose that file.',
  FILE_PROTECTED:
    'This file is locked by a password or by copy protection, so its text cannot be read. Save a copy without protection where you can, and choose that.',
  FILE_DAMAGED:
    'This file is broken or was not copied to its end. Copy or save it again; if it opens in your reader or word processor, save it from there as a new file.',
  FILE_LIMIT_EXCEEDED:
    'There is more in this file than can be taken in at once, or it is built in an unusual way. Save it again or in several parts, or as plain text.',
  ENCODING_FIXED:
    'This file itself says how its letters are written, so no other encoding can be chosen for it.',
}
