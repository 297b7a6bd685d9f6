import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client.ts'
import { isPaid, keys } from '../api/keys.ts'
import { useRequestKey } from '../api/request-key.ts'
import type { components } from '../api/schema.ts'
import { usualPrompt } from '../parts/instructions.ts'
import { ifMatch, useShowSaved } from '../queries/novel-queries.ts'

/** An entry of a codex, as the API returns it. */
export type CodexEntry = components['schemas']['CodexEntry']

/** The fields of an entry that a person writes. */
export type EntryFields = Omit<CodexEntry, 'id' | 'novelId' | 'version' | 'createdAt' | 'updatedAt'>

/** What an import of a lorebook came to. */
export type LorebookImported = components['schemas']['LorebookImported']

/** Most entries of a page of the list. */
const pageSize = 200

/** Reads all entries of a novel: there are at most 1,000. */
export function useCodex(novelId: string) {
  return useQuery({
    queryKey: keys.codex(novelId),
    async queryFn() {
      const entries: CodexEntry[] = []
      for (let pageToken: string | undefined; ; ) {
        const query = { pageSize, ...(pageToken === undefined ? {} : { pageToken }) }
        const page = await dataOf(
          api.GET('/v1/novels/{novelId}/codex', { params: { path: { novelId }, query } }),
        )
        entries.push(...page.items)
        pageToken = page.nextPageToken
        if (pageToken === undefined) return entries
      }
    },
  })
}

/** Adds an entry, or saves the one that the person saw. Rejects with CODEX_ENTRY_CHANGED (412) where there is a newer one. */
export function useSaveEntry(novelId: string, seen: CodexEntry | undefined) {
  // Findings that were looked for in a long novel take many requests to be read again.
  const showSaved = useShowSaved<CodexEntry>(keys.codex(novelId))
  const key = useRequestKey()
  return useMutation({
    mutationFn: (fields: EntryFields) =>
      seen === undefined
        ? dataOf(
            api.POST('/v1/novels/{novelId}/codex', {
              params: { path: { novelId }, header: { 'idempotency-key': key.of(fields) } },
              body: fields,
            }),
          )
        : dataOf(
            api.PATCH('/v1/novels/{novelId}/codex/{entryId}', {
              params: { path: { novelId, entryId: seen.id }, header: ifMatch(seen) },
              body: fields,
            }),
          ),
    onSuccess(saved) {
      key.answered()
      showSaved(saved)
    },
  })
}

/** Reads an entry as it is now. */
export function readEntry({ id: entryId, novelId }: CodexEntry): Promise<CodexEntry> {
  return dataOf(api.GET('/v1/novels/{novelId}/codex/{entryId}', { params: { path: { novelId, entryId } } }))
}

/** Deletes the entry that the person saw. Rejects with CODEX_ENTRY_CHANGED (412) where there is a newer one. */
export function useDeleteEntry(novelId: string) {
  const readAgain = useReadAgain(novelId)
  return useMutation({
    mutationFn: ({ id: entryId, version }: CodexEntry) =>
      api.DELETE('/v1/novels/{novelId}/codex/{entryId}', {
        params: { path: { novelId, entryId }, header: ifMatch({ version }) },
      }),
    onSettled: readAgain,
  })
}

/** Has an entry take another one in, or with `preview` says what it would be. Both are as the person saw them. */
export function mergeEntries(
  { id: entryId, novelId, version }: CodexEntry,
  { id: otherId, version: otherVersion }: CodexEntry,
  preview: boolean,
): Promise<CodexEntry> {
  return dataOf(
    api.POST('/v1/novels/{novelId}/codex/{entryId}:merge', {
      params: { path: { novelId, entryId }, header: ifMatch({ version }) },
      body: { otherId, otherVersion, preview },
    }),
  )
}

/** Has the entry that the person saw take another one in. */
export function useMerge(entry: CodexEntry) {
  const readAgain = useReadAgain(entry.novelId)
  return useMutation({
    mutationFn: (other: CodexEntry) => mergeEntries(entry, other, false),
    onSuccess: readAgain,
  })
}

/** Cuts the entry that the person saw in two. */
export function useSplit({ id: entryId, novelId, version }: CodexEntry) {
  const readAgain = useReadAgain(novelId)
  return useMutation({
    mutationFn: (body: components['schemas']['CodexSplit']) =>
      dataOf(
        api.POST('/v1/novels/{novelId}/codex/{entryId}:split', {
          params: { path: { novelId, entryId }, header: ifMatch({ version }) },
          body,
        }),
      ),
    onSuccess: readAgain,
  })
}

/** Adds other names to the entry that the person saw. */
export function useAddAlias(novelId: string) {
  const readAgain = useReadAgain(novelId)
  return useMutation({
    mutationFn: ({ entry, names }: { entry: CodexEntry; names: readonly string[] }) =>
      dataOf(
        api.PATCH('/v1/novels/{novelId}/codex/{entryId}', {
          params: { path: { novelId, entryId: entry.id }, header: ifMatch(entry) },
          body: { aliases: [...entry.aliases, ...names] },
        }),
      ),
    onSettled: readAgain,
  })
}

/** Returns whether something that is read on wish was asked for, and what asks for it. What is kept since it was shown before is kept up to date. */
export function useWanted(queryKey: readonly unknown[]): readonly [boolean, () => void] {
  const queries = useQueryClient()
  const [isWanted, setIsWanted] = useState(queries.getQueryData(queryKey) !== undefined)
  return [isWanted, () => setIsWanted(true)]
}

/** Has something not shown again, or shown again. */
export function useDismissal(novelId: string) {
  const queries = useQueryClient()
  // Prompts stay as they are, and a model may be paid to show one.
  const predicate = ({ queryKey }: { queryKey: readonly unknown[] }) => !isPaid(queryKey)
  const onSuccess = () => queries.invalidateQueries({ queryKey: keys.codex(novelId), predicate })
  const params = { path: { novelId } }
  const dismiss = useMutation({
    mutationFn: (body: components['schemas']['CodexDismissal']) =>
      api.POST('/v1/novels/{novelId}/codex:dismiss', { params, body }),
    onSuccess,
  })
  const restore = useMutation({
    mutationFn: (body: components['schemas']['CodexRestoration']) =>
      api.POST('/v1/novels/{novelId}/codex:restore', { params, body }),
    onSuccess,
  })
  return { dismiss, restore }
}

/** Imports the JSON of a lorebook. */
export function useImportLorebook(novelId: string) {
  const readAgain = useReadAgain(novelId)
  return useMutation({
    mutationFn: ({ book, kind }: components['schemas']['LorebookImport']): Promise<LorebookImported> =>
      dataOf(
        api.POST('/v1/novels/{novelId}/codex:import', {
          params: { path: { novelId } },
          body: { book, kind },
        }),
      ),
    onSuccess: readAgain,
  })
}

/** Reads the prompt of a scene as it would be. `undefined`: of none. */
export function usePreview(novelId: string, sceneId = '') {
  return useQuery({
    queryKey: [...keys.codex(novelId), 'preview', sceneId],
    queryFn: () =>
      dataOf(api.POST('/v1/scenes/{sceneId}:preview', { params: { path: { sceneId } }, body: usualPrompt })),
    enabled: sceneId !== '',
  })
}

/** Has the codex, and what prompts have of it, read again. */
function useReadAgain(novelId: string): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: keys.codex(novelId) })
}
