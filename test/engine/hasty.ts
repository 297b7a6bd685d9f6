import { defineTask } from 'quillwork'
import { z } from 'zod'

/** A task that must have ended forty minutes after it was submitted. */
export const hasty = defineTask({
  type: 'Hasty',
  deadline: '40m',
  parameters: z.object({}),
  result: z.null(),
  execute: () => null,
})
