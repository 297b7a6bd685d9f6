import { useTranslations } from 'use-intl'
import type { ModelProblem } from '../api/capabilities.ts'

/** Causes that have words here; those of a newer server are told in its own. */
const known = ['KEY_NOT_SET', 'KEY_NOT_STORED', 'KEY_MALFORMED', 'KEYS_UNREADABLE'] as const

/** Why a model cannot be used, and what to do about it. `model`: its id. */
export function ModelProblemText({ model, problem }: { model: string; problem: ModelProblem }) {
  const t = useTranslations('parts.modelProblems')
  const cause = known.find(each => each === problem.cause)
  if (cause === undefined) return <span lang="en">{problem.message}</span>
  const name = problem.key.slice(problem.key.indexOf(':') + 1)
  return t.rich(cause, { model, name, code: words => <code>{words}</code> })
}
