import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client.ts'
import { keys } from '../api/keys.ts'
import type { components } from '../api/schema.ts'
import { ifMatch } from '../queries/novel-queries.ts'

/** The models that are kept in the store, as the API returns them. */
export type KeptModels = components['schemas']['KeptModels']
/** One of them. */
export type KeptModel = KeptModels['items'][number]
/** The fields of a model. */
export type ModelFields = components['schemas']['ModelFields']
/** What is written of a model; the key goes in and never comes out. */
export type ModelChange = components['schemas']['ModelChange']
/** How one call went. */
export type ModelTrial = components['schemas']['ModelTrial']

/** Reads the models that are kept, where the server lets them be set up. */
export function useKeptModels(isAvailable: boolean) {
  return useQuery({
    queryKey: keys.keptModels,
    queryFn: () => dataOf(api.GET('/v1/models')),
    enabled: isAvailable,
  })
}

/** A change of the list that the person saw. */
export type ListChange =
  | { readonly how: 'save'; readonly id: string; readonly change: ModelChange }
  | { readonly how: 'remove' | 'prefer'; readonly id: string }

/** Changes the list that the person saw. Rejects with KEPT_MODELS_CHANGED (412) where there is a newer one. */
export function useChangeModels({ version }: Pick<KeptModels, 'version'>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn(asked: ListChange) {
      const params = { path: { modelId: asked.id }, header: ifMatch({ version }) }
      switch (asked.how) {
        case 'save':
          return dataOf(api.PUT('/v1/models/{modelId}', { params, body: asked.change }))
        case 'remove':
          return dataOf(api.DELETE('/v1/models/{modelId}', { params }))
        case 'prefer':
          return dataOf(api.POST('/v1/models/{modelId}:prefer', { params }))
      }
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: keys.keptModels }),
        queries.invalidateQueries({ queryKey: keys.capabilities }),
      ]),
  })
}

/** Calls a model once: as it is used, or as `change` would have it. */
export function useTestModel() {
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change?: ModelChange }) =>
      dataOf(
        api.POST('/v1/models/{modelId}:test', {
          params: { path: { modelId: id } },
          body: change === undefined ? {} : { change },
        }),
      ),
  })
}
