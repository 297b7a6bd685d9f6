import { useTranslations } from 'use-intl'
import type { ModelProblem } from '../api/capabilities.ts'

/** Causes that have words here; those of a newer server are shown in the server's words. */
const known = [
  'KEY_NOT_SET',
  'KEY_NOT_STORED',
  'KEY_NOT_GIVEN',
  'KEY_FOR_OTHER_ADDRESS',
  'KEY_MALFORMED',
  'KEYS_UNREADABLE',
] as const

/** Why a model cannot be used, and what to do about it. `model`: its id. */
export function ModelProblemText({ model, problem }: { model: string; problem: ModelProblem }) {
  const t = useTranslations('parts.modelProblems')
  const cause = known.find(each => each === problem.cause)
  if (cause === undefined) return <span lang="en">{problem.message}</span>
  const name = problem.key.slice(problem.key.indexOf(':') + 1)
  return t.rich(cause, { model, name, code: words => <code>{words}</code> })
}

/** Commands that set a model up, as docs/models.md has them. They are the same in every language. */
export const modelCommands = {
  /** A server with the OpenAI API on this machine, such as Ollama, llama.cpp, LM Studio or vLLM. */
  own: `export QUILLWORK_MODEL='qwen3:8b@http://127.0.0.1:11434/v1'
quillwork models test
quillwork serve`,
  /** A provider, with the variable that its own programs read. */
  provider: `export QUILLWORK_MODEL='openai:gpt-5-mini'
export OPENAI_API_KEY='…'
quillwork models test
quillwork serve`,
} as const
