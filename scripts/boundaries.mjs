// Runs dependency-cruiser with the rules of .dependency-cruiser.mjs, and fails when it did not see every source:
// a cruise that finds nothing also finds nothing wrong.

import { join } from 'node:path'
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import rules from '../.dependency-cruiser.mjs'
import { filesUnder, root } from './setup.mjs'

process.chdir(root)
const folders = ['src', 'dashboard/src', 'test', 'examples', 'bench'].filter(
  folder => filesUnder(join(root, folder)).length > 0,
)
const tsConfig = extractTSConfig('tsconfig.json')
// Tests and examples import the package by its name; the compiler's table says which source that is.
const alias = Object.entries(tsConfig.options.paths).map(([name, [source]]) => ({
  name,
  alias: join(root, source),
  onlyModule: true,
}))
const { output } = await cruise(
  folders,
  { ...rules.options, ruleSet: { forbidden: rules.forbidden }, validate: true, outputType: 'json' },
  { alias },
  { tsConfig },
)
const { modules, summary } = JSON.parse(output)

const seen = new Set(modules.map(module => module.source))
const missed = ['src', 'dashboard/src']
  .flatMap(folder => filesUnder(join(root, folder)))
  .filter(path => /\.tsx?$/.test(path) && !seen.has(path))
const lines = summary.violations.map(({ rule, from, to, cycle, via }) => {
  const route = (cycle ?? via ?? []).map(step => step.name ?? step).join(' -> ')
  return `${rule.name}: ${from} -> ${route || to}`
})
for (const path of missed) lines.push(`not cruised: ${path}`)
if (!modules.some(module => module.source.startsWith('src/'))) lines.push('no module of src was cruised')

for (const line of lines) console.error(line)
console.log(
  `${summary.totalCruised} modules, ${summary.totalDependenciesCruised} dependencies, ${lines.length} wrong`,
)
process.exitCode = lines.length > 0 ? 1 : 0
