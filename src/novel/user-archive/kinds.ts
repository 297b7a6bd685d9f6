/** What of a user is in an archive, and what is not. */

/** The format, in its `manifest.json`. The version rises when an earlier reader would read it wrongly. */
export const userArchiveFormat = 'quillwork-user-archive'
/** The version that is written. */
export const userArchiveVersion = 1

/** The files of an archive, and what they hold. */
export const userArchiveFiles = {
  'manifest.json':
    'What this archive is, every novel and upload in it with its SHA-256, and what is not in it.',
  'novels/':
    'Each novel as an archive of its own, which the import reads as it is. Those of the bin are in novels/bin/.',
  'uploads/': 'The files that were uploaded and are still kept, as they came.',
  'tasks.jsonl':
    'Each task with its parameters, status, result, error, times, attempts, dead letters, log, output and usage: the oldest first, a line each.',
  'usage.jsonl': 'What calls of models used, summed by day, by novel (subject) and by model, a line each.',
} as const

/** A kind of records: the file that it is in, or what it is and why it is in none. */
type Place = { in: keyof typeof userArchiveFiles } | { what: string; why: string }

const index: Place = { what: 'the search index', why: 'The import of a novel builds it.' }

/** What becomes of each kind of records, by its name; a test holds it to all kinds that there are. */
export const placesOfKinds: Readonly<Record<string, Place>> = {
  library_novels: { in: 'novels/' },
  library_volumes: { in: 'novels/' },
  library_chapters: { in: 'novels/' },
  library_scenes: { in: 'novels/' },
  library_texts: { in: 'novels/' },
  library_history: { in: 'novels/' },
  library_bin: { in: 'novels/' },
  library_candidates: { in: 'novels/' },
  library_codex: { in: 'novels/' },
  library_narrations: { in: 'novels/' },
  library_threads: { in: 'novels/' },
  library_readings: { in: 'novels/' },
  library_prompts: { in: 'novels/' },
  library_level_summaries: { in: 'novels/' },
  library_dismissals: { in: 'novels/' },
  library_snapshots: { in: 'novels/' },
  library_snapshot_chapters: { in: 'novels/' },
  library_binned_novels: { in: 'manifest.json' },
  library_uploads: { in: 'uploads/' },
  library_models: {
    what: 'models that were set up while the server ran',
    why: 'They are of the installation.',
  },
  usage_days: { in: 'usage.jsonl' },
  library_indexes: index,
  library_segments: index,
  library_shards: index,
  library_vectors: index,
  library_exports: {
    what: 'exported files',
    why: 'They are made of the novels, and are kept for a day.',
  },
  library_counters: { what: 'numbers of novels and uploads', why: 'They are of the installation.' },
  schedules: { what: 'schedules', why: 'They are of the installation.' },
  strays: {
    what: 'messages that could not be read',
    why: 'They name no task, so nobody knows whose they are.',
  },
  shared_states: { what: 'rate limits', why: 'They are of the installation.' },
  api_keys: { what: 'API keys', why: 'They are of the installation.' },
  kept_schedules: { what: 'schedules that operators made', why: 'They are of the installation.' },
  lane_slots: { what: 'values that operators set', why: 'They are of the installation.' },
  activity: { what: 'how much was done when', why: 'It counts the tasks of all users together.' },
  audit: { what: 'the audit trail', why: 'It is of the installation, and holds no text.' },
}

/** What is not in an archive and is no kind of records. */
const beside: readonly { what: string; why: string }[] = [
  { what: 'keys of models, tokens and other secrets', why: 'An archive may be handed on.' },
  {
    what: 'novels whose import has not ended, and novels that are being deleted',
    why: 'They are no whole novels. The file of the import is among the uploads.',
  },
  {
    what: 'checkpoints, claims, leases, processes and traces of tasks',
    why: 'The engine alone needs them.',
  },
  {
    what: 'the settings and prompts of the server, and its log',
    why: 'They are files of the installation.',
  },
  { what: 'unsaved changes', why: 'They are in the browser in which they were typed.' },
]

/** What is not in an archive, each with its reason. */
export function leftOut(): { what: string; why: string }[] {
  const kinds = Object.values(placesOfKinds).flatMap(place => ('in' in place ? [] : [place]))
  return [...new Set([...kinds, ...beside])]
}
