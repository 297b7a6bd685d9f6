/** The names of the operations in the OpenAPI document, from which clients make the names of their methods. */

/** What the rule below would name badly, by method and path. */
const named: Readonly<Record<string, string>> = {
  'GET /healthz': 'getHealth',
  'GET /readyz': 'getReadiness',
  'GET /metrics': 'getMetrics',
  'GET /v1/openapi.json': 'getOpenApi',
  'GET /v1/asyncapi.json': 'getAsyncApi',
  'GET /v1/proof': 'getProof',
  'GET /v1/sign-in': 'getSignIn',
  'GET /v1/events': 'watchTasks',
  'GET /v1/tasks/{taskId}/events': 'watchTask',
  'POST /v1/tasks': 'submitTask',
  'GET /v1/tasks/counts': 'countTasks',
  'GET /v1/tasks/{taskId}/usage': 'getTaskUsage',
  'POST /v1/tasks/{taskId}:runNow': 'runTaskNow',
  'POST /v1/tasks/{taskId}:undoTexts': 'undoTaskTexts',
  'GET /v1/dead-letters/groups': 'listDeadLetterGroups',
  'POST /v1/estimates': 'estimateTask',
  'GET /v1/usage': 'sumUsage',
  'GET /v1/exports/{exportId}/file': 'downloadExport',
  'GET /v1/novels/{novelId}/search': 'searchNovel',
  'POST /v1/novels/{novelId}:places': 'listNovelPlaces',
  'POST /v1/novels/{novelId}/codex/{entryId}:places': 'listCodexEntryPlaces',
  'POST /v1/novels/{novelId}/codex:dismiss': 'dismissCodexFinding',
  'POST /v1/novels/{novelId}/codex:restore': 'restoreCodexFinding',
  'GET /v1/novels/{novelId}/snapshots/{snapshotId}/comparison': 'compareSnapshot',
  'POST /v1/novels/{novelId}/bin/{entryId}:restore': 'restoreNovelBinEntry',
  'GET /v1/bin': 'listBinnedNovels',
  'DELETE /v1/bin/{novelId}': 'eraseNovel',
  'POST /v1/bin/{novelId}:restore': 'restoreNovel',
  'DELETE /v1/novels/{novelId}': 'binNovel',
  'GET /v1/scenes/{sceneId}/history/{entryId}': 'getSceneHistoryEntry',
  'GET /v1/uploads/{uploadId}/comparison': 'compareUpload',
  'GET /v1/uploads/{uploadId}/chapters/{index}': 'getUploadChapter',
}

/** Words of addresses that are no plural, or whose one thing has another name: the whole, and one of it. */
const irregular: Readonly<Record<string, readonly [all: string, one: string, isList: boolean]>> = {
  children: ['children', 'child', true],
  codex: ['codex', 'codexEntry', true],
  bin: ['bin', 'binEntry', true],
  history: ['history', 'historyEntry', true],
  capabilities: ['capabilities', 'capabilities', false],
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'set',
  PATCH: 'update',
  DELETE: 'delete',
}

/**
 * Returns the `operationId` of a route by its method and its path in the document, such as `/v1/tasks/{taskId}:cancel`: a verb and what it acts on, in
 * camel case, such as `cancelTask`. The names are part of the contract: clients are generated from them.
 */
export function operationIdOf(method: string, path: string): string {
  const own = named[`${method} ${path}`]
  if (own !== undefined) return own
  const [place = '', action] = path.replace(/^\/v1\//, '').split(':')
  const parts = place.split('/')
  const words = parts.flatMap((part, at): string[] =>
    part.startsWith('{') ? [] : [wordOf(part, parts[at + 1]?.startsWith('{') === true)],
  )
  // What lies within a part of a novel is named by that part alone, such as `moveVolume`; a part itself by both, such as `listNovelVolumes`.
  const shown = words.length > 1 && parts.at(-1)?.startsWith('{') === true ? words.slice(1) : words
  const last = parts.at(-1) ?? ''
  const verb = action ?? verbs[method] ?? (isList(last) ? 'list' : 'get')
  const one = verb === 'create' && shown.length > 0 ? [...shown.slice(0, -1), singularOf(last)] : shown
  return camel([verb, ...one])
}

function wordOf(part: string, isOne: boolean): string {
  return isOne ? singularOf(part) : (irregular[part]?.[0] ?? part)
}

function singularOf(part: string): string {
  const known = irregular[part]
  if (known !== undefined) return known[1]
  return part.endsWith('ies') ? `${part.slice(0, -3)}y` : part.replace(/s$/, '')
}

function isList(part: string): boolean {
  if (part.startsWith('{')) return false
  return irregular[part]?.[2] ?? part.endsWith('s')
}

function camel(words: readonly string[]): string {
  const parts = words.join('-').split('-')
  return parts.map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('')
}
