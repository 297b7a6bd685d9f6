/** The settings of who may send requests, and how many. */
import { z } from 'zod'
import { oidcSchema } from '../http/oidc/settings.ts'
import { atLeastOne } from './setting-values.ts'

/** In the order of the reference. */
export const identitySettings = {
  token: {
    kind: 'list',
    about:
      'The token, of at least 16 characters, that requests carry as `Authorization: Bearer …`, if not [an API key](api.md#what-may-an-api-key-do). It may do everything. Two are valid at a time, so that one can ' +
      'replace another; commands send the first to `url`. Beside them the server makes one at each start, in the file `server.token` of the data ' +
      'directory, for the commands and the browser of its user: unset, that one is needed, and only the loopback is listened on.',
    schema: z
      .preprocess(
        given => (typeof given === 'string' ? [given] : given),
        z
          .array(
            z
              .string()
              .regex(
                /^\S{16,}$/,
                'A token has at least 16 characters, and no blanks; use a long random one.',
              ),
          )
          .min(1, 'Give a token.')
          .max(2, 'Give one token, or two.'),
      )
      .optional(),
    isSecret: true,
  },
  noToken: {
    kind: 'switch',
    about:
      'Requests need no token: every user of this machine can read and change everything. Only on the loopback.',
    fallback: false,
    schema: z.boolean('Give true or false.'),
    flag: '--no-token',
    notInFile: true,
  },
  oidc: {
    kind: 'json',
    about:
      'An identity provider whose tokens (OpenID Connect, JWT) are taken beside the token and API keys: `issuer` and `audience`; `roleClaim` with `roles` and `defaultRole`, `userClaim`; ' +
      'with `clientId` the pages sign people in by it, with `scope`. [operations.md](operations.md#sign-in-with-your-identity-provider) has an example and each default.',
    schema: oidcSchema.optional(),
  },
  requestsPerMinute: {
    kind: 'count',
    about:
      'Requests that an identity (an API key, a person) may send in a minute, at once or spread; one more gets 429 `REQUESTS_THROTTLED`. Event streams and files of the pages do not count, nor does ' +
      'who has the token, or needs none. Each process counts for itself. Default: no limit, for a program that submits 100,000 tasks one by one does nothing wrong; set one where you do not know who holds the keys.',
    schema: atLeastOne.optional(),
  },
} as const
