/** The keys under which answers of the API are kept. What the server knows is kept in the query cache and nowhere else. */
export const keys = {
  capabilities: ['capabilities'],
  me: ['me'],
  signIn: ['sign-in'],
  apiKeys: ['api-keys'],
  /** Everything about tasks that is a list of them. */
  taskLists: ['tasks', 'list'],
  taskList: (filter: object) => ['tasks', 'list', filter],
  taskCounts: ['tasks', 'counts'],
  task: (taskId: string) => ['tasks', 'one', taskId],
  children: (taskId: string) => ['tasks', 'children', taskId],
  childList: (taskId: string, filter: object) => ['tasks', 'children', taskId, filter],
  attempts: (taskId: string) => ['tasks', 'attempts', taskId],
  logs: (taskId: string) => ['tasks', 'logs', taskId],
  taskUsage: (taskId: string) => ['tasks', 'usage', taskId],
  budget: (taskId: string) => ['tasks', 'budget', taskId],
  output: (taskId: string) => ['tasks', 'output', taskId],
  deadLetters: ['dead-letters'],
  deadLetter: (taskId: string) => ['dead-letters', 'one', taskId],
  deadLetterGroups: (filter: object) => ['dead-letters', 'groups', filter],
  deadLetterLists: ['dead-letters', 'list'],
  deadLetterList: (filter: object) => ['dead-letters', 'list', filter],
  novels: ['novels', 'list'],
  novelTitles: ['novels', 'list', 'titles'],
  references: ['novels', 'list', 'references'],
  binnedNovels: ['novels', 'list', 'bin'],
  novel: (novelId: string) => ['novels', 'one', novelId],
  chapter: (novelId: string, chapterId: string) => ['novels', 'chapter', novelId, chapterId],
  search: (novelId: string, query: string) => ['novels', 'search', novelId, query],
  narration: (novelId: string) => ['novels', 'narration', novelId],
  prompts: (novelId: string) => ['novels', 'prompts', novelId],
  summaries: (novelId: string) => ['novels', 'summaries', novelId],
  unitSummary: (novelId: string, unitId: string) => ['novels', 'summaries', novelId, unitId],
  snapshots: (novelId: string) => ['novels', 'snapshots', novelId],
  bin: (novelId: string) => ['novels', 'bin', novelId],
  codex: (novelId: string) => ['novels', 'codex', novelId],
  threads: (novelId: string) => ['novels', 'threads', novelId],
  style: (novelId: string) => ['style', novelId],
  scene: (sceneId: string) => ['scenes', 'one', sceneId],
  preview: (sceneId: string, request: object) => ['scenes', 'preview', sceneId, request],
  candidates: (sceneId: string) => ['scenes', 'candidates', sceneId],
  candidate: (sceneId: string, candidateId: string) => ['scenes', 'candidate', sceneId, candidateId],
  sceneHistory: (sceneId: string) => ['scenes', 'history', sceneId],
  historyEntry: (sceneId: string, entryId: string) => ['scenes', 'entry', sceneId, entryId],
  /** What was asked for a scene. In the form of a list of tasks, which the stream keeps up to date. */
  sceneTasks: (sceneId: string) => ['tasks', 'list', { scene: sceneId }],
  uploads: ['uploads', 'list'],
  upload: (uploadId: string, encoding: string | undefined) => ['uploads', 'one', uploadId, encoding ?? ''],
  uploadText: (uploadId: string, encoding: string | undefined, index: number) =>
    ['uploads', 'text', uploadId, encoding ?? '', index] as const,
  comparison: (uploadId: string, novelId: string) => ['uploads', 'comparison', uploadId, novelId],
  bothTexts: (uploadId: string, index: number, chapterId: string) => [
    ...['uploads', 'texts', uploadId],
    ...[index, chapterId],
  ],
  samples: ['samples'],
  usage: (filter: object) => ['usage', filter],
  lanes: ['lanes'],
  overview: (query: object) => ['overview', query],
  schedules: ['schedules'],
  limits: ['limits'],
  limitHistory: (range: string) => ['limits', 'history', range],
  keptModels: ['models', 'kept'],
  webhooks: ['webhooks'],
  workers: ['workers'],
  seenWorkers: ['workers', 'seen'],
  audit: (filter: object) => ['audit', filter],
  estimate: (request: object) => ['estimate', request],
} as const

/** Returns whether an answer may cost a call of a model: what a search finds, and a prompt as it would be. */
export function isPaid([, kind, , part]: readonly unknown[]): boolean {
  return kind === 'search' || kind === 'preview' || (kind === 'codex' && part === 'preview')
}

/** Returns the filter of what is kept of one novel: its outline, chapters, searches, summaries, codex, threads, snapshots and prompts. */
export function ofNovel(novelId: string) {
  return {
    predicate: ({ queryKey: [resource, kind, id] }: { queryKey: readonly unknown[] }) =>
      resource === 'novels' && kind !== 'list' && id === novelId,
  }
}
