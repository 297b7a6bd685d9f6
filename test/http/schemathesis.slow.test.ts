import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { serveNovels } from './novel-api.ts'

const missing = spawnSync('schemathesis', ['--version']).status !== 0
if (missing)
  process.stderr.write('\nSKIPPED: Schemathesis over the API. Install it (pip install schemathesis).\n\n')

const token = 'a-token-of-the-tests-that-is-long-enough'

/**
 * What it cannot know: which page tokens, versions, ids, lanes and files there are, and which parameters a task type takes. So it takes a refusal of
 * those for a wrong one.
 */
const cannotKnow = ['positive_data_acceptance', 'negative_data_rejection']

/** Streams of events do not end; `streams.test.ts` reads them. */
const endless = ['watchTasks', 'watchTask']

test.skipIf(missing)(
  `Schemathesis finds nothing on a server with a novel${missing ? ' (it is not installed)' : ''}`,
  async () => {
    await using api = await serveNovels({ token })
    const authorization = `Bearer ${token}`
    const { id } = (
      await api.upload('Chapter 1\n\nThe scale was wrong by a thumb.\n', 'scale.txt', { authorization })
    ).body
    await api.post(`/v1/uploads/${id}:confirm`, {}, { authorization })
    const folder = mkdtempSync(path.join(tmpdir(), 'schemathesis-'))
    const child = spawn(
      'schemathesis',
      [
        ...['run', `${api.url}/v1/openapi.json`, '--header', `Authorization: ${authorization}`],
        ...[
          '--phases',
          'examples,coverage,fuzzing',
          '--max-examples',
          '10',
          '--max-time',
          '240',
          '--seed',
          '7',
        ],
        ...[
          '--checks',
          'all',
          '--exclude-checks',
          cannotKnow.join(),
          '--request-timeout',
          '20',
          '--no-color',
        ],
        ...endless.flatMap(name => ['--exclude-operation-id', name]),
        '--continue-on-failure',
      ],
      { cwd: folder },
    )
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', piece => (text += piece))
    const code = await new Promise(resolve => child.on('close', resolve))
    rmSync(folder, { recursive: true, force: true })
    expect(code, text.slice(-20_000)).toBe(0)
  },
  600_000,
)
