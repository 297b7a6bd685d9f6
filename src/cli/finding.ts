/** What the doctor looked at, and how it is. `note` is worth knowing, `wrong` needs somebody. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'note' | 'wrong'
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

/** Adds a finding to the report. */
export type Tell = (check: string, state: Finding['state'], detail: string, advice?: string) => void
