import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTask } from '../../src/index.ts'

const task = { type: 'Write', parameters: z.object({}), result: z.object({}), execute: () => ({}) }

test.each([
  ['parameters', {}],
  ['result', undefined],
  ['progress', { parse: () => 1 }],
])(
  'a task whose %s have no schema is refused where it is defined, also without a compiler',
  (name, schema) => {
    const define = defineTask as unknown as (wrong: object) => void
    expect(() => define({ ...task, [name]: schema })).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.stringContaining(`of its ${name};`),
      }),
    )
    expect(() => define(task)).not.toThrow()
  },
)
