// `npm run sbom`: prints every package that is installed with this one, as CycloneDX. npm makes it of package-lock.json and asks nobody. Two things
// are mended: npm takes the name of this package from its folder, and with --omit=dev it leaves out what development needs too.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

const options = {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1_048_576,
  stdio: ['ignore', 'pipe', 'inherit'],
}
const { status, stdout } = spawnSync(
  'npm',
  ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'],
  options,
)
if (status !== 0) process.exit(1)
const sbom = JSON.parse(stdout)
const { name, packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
const installed = new Set(
  Object.entries(packages)
    .filter(([, each]) => each.dev !== true)
    .map(([place, each]) => `${each.name ?? place.split('node_modules/').at(-1)}@${each.version}`),
)
const isInstalled = ref => installed.has(ref)
sbom.metadata.component.name = name
sbom.components = sbom.components.filter(each => isInstalled(each['bom-ref']))
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => isInstalled(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isInstalled) }))
console.log(JSON.stringify(sbom, null, 2))
