import type { ModelCatalogue, ModelDescription } from '../ai/catalogue.ts'
import type { ResolvedConfig } from '../server/config.ts'
import { placesOf } from '../server/data-directory.ts'
import { isOpenToOthers } from '../server/key-file.ts'
import type { Tell } from './finding.ts'
import { trialText, tryModel } from './model-trial.ts'

/** What a server, or the configuration, tells of its models. */
export interface ModelsTold {
  readonly models: readonly {
    id: string
    uses: readonly string[]
    problem?: { message: string } | undefined
  }[]
  readonly off: readonly { capability: string; reason: string; problem?: object | undefined }[]
}

/** Tells which models can be used; one that cannot is wrong, one that nobody configured is not. */
export function tellModels({ models, off }: ModelsTold, tell: Tell): void {
  for (const { id, uses, problem } of models)
    if (problem === undefined) tell('models', 'ok', `${uses.join(', ')}: ${id}`)
    else tell('models', 'wrong', problem.message)
  for (const { capability, reason, problem } of off)
    if (problem === undefined) tell('models', 'note', `${capability} is off: ${reason}`)
}

/** Tells of the models of the configuration, where there is no server to ask. */
export async function lookAtConfiguredModels({ config }: ResolvedConfig, tell: Tell): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  tellModels({ models: models.models(), off: whatIsOff(models) }, tell)
}

function whatIsOff(models: ModelCatalogue): ModelsTold['off'] {
  return models.capabilities().flatMap(status => (status.available ? [] : [status]))
}

/** Looks at the file of keys on this machine. */
export function lookAtKeys({ config }: ResolvedConfig, tell: Tell): void {
  if (!isOpenToOthers(config.data)) return
  const { keys } = placesOf(config.data)
  tell('keys', 'wrong', `others than its owner may read ${keys}`, `chmod 600 ${keys}`)
}

/** Calls each model of the configuration once, from this machine and with the keys that are here. */
export async function callModels({ config }: ResolvedConfig, tell: Tell): Promise<void> {
  const { createModels } = await import('../server/models.ts')
  const models = createModels(config)
  const usable = models.models().filter(isCallable)
  for (const model of usable) {
    const trial = await tryModel(models, model, new AbortController().signal)
    tell('model calls', trial.ok ? 'ok' : 'wrong', `${model.id}: ${trialText(trial)}`)
  }
}

function isCallable({ provider, problem }: ModelDescription): boolean {
  return provider !== 'built-in' && problem === undefined
}
