/** The kinds of records of files that are kept for a time: uploads, and exports. */
import { defineKind } from '../../records/records.ts'
import type { KeptExport } from './exports.ts'
import type { Upload } from './uploads.ts'

/** What is known of an uploaded file. */
export interface UploadRecord extends Omit<Upload, 'status'> {
  /** Rises with every upload. */
  order: number
}

export const uploads = defineKind<UploadRecord>({
  name: 'library_uploads',
  fields: { userId: 'text', order: 'integer', expiresAt: 'integer' },
  large: { survey: 'text' },
  indexes: { of_user: ['userId', 'order'], expiring: ['expiresAt'] },
})

export const novelExports = defineKind<KeptExport>({
  name: 'library_exports',
  fields: { userId: 'text', expiresAt: 'integer' },
  indexes: { of_user: ['userId'], expiring: ['expiresAt'] },
})
