// The bars that a machine can hold, measured with the TypeScript parser. Prints every figure, then each offender
// with its place. `src/` and the pages are held to all of them; tests and programs only to those about suppressions and waiting.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { filesUnder, root } from './setup.mjs'

const LIMITS = {
  fileLines: { p95: 313, max: 450 },
  functionLines: { p95: 26, max: 80 },
  /** A component is mostly the tree of what it shows, one element a line. */
  componentLines: { p95: 50, max: 80 },
  portMethods: 10,
  documentedShare: 0.95,
}
/**
 * What a folder of the source may hold: lines, files. A change that needs more raises the number in its own commit, and says there why; one that needs
 * less lowers it.
 */
const BUDGETS = {
  'src/ai': [3_125, 27],
  'src/broker': [3_800, 24],
  'src/cli': [9_715, 66],
  'src/engine': [10_805, 56],
  'src/http': [13_190, 107],
  'src/novel': [41_040, 270],
  'src/observe': [1_740, 12],
  'src/rate-limit': [1_875, 8],
  'src/records': [830, 4],
  'src/runtime': [1_212, 15],
  'src/server': [4_495, 35],
  'src/store': [14_410, 80],
  'src/task': [3_895, 35],
  'src/testing': [5_300, 23],
  'src/client': [560, 6],
  'src/webhooks': [950, 8],
  'src/index.ts': [100, 1],
  dashboard: [35_735, 298],
}
const PORTS = ['src/store/store.ts', 'src/broker/broker.ts', 'src/rate-limit/limiter.ts', 'src/ai/model.ts']
/** Made from the API, however long that is. */
const GENERATED = ['dashboard/src/api/schema.ts', 'src/client/schema.ts']
const ENVIRONMENT_READER = 'src/server/config.ts'
/**
 * Tests of whole processes, and of several together, may wait on the clock of the wall; all others wait for signals. A model that is
 * slow by its script plays its part.
 */
const MAY_WAIT = /^test\/((process|faults|servers|distributed|e2e)\/|models\/reply\.ts$)/
/** Calls that declare tests. */
const TESTS = /^(it|test|describe\w*|defineConfig|vi\.setConfig)\b/
/** A name for a drawer, not for a thing. `types` only as a whole name: a route may be called task-types. */
const DRAWER = /(^|[/.-])(utils?|helpers?|common|misc|managers?)(?=[/.-])|(^|\/)types?(?=[/.])/
/** The handler that obeys its input throws what a user's handler would: errors without a code. */
const PLAYS_A_USER = 'src/testing/scripted.ts'
/** Errors without a code. */
const BARE_ERRORS =
  /^(Error|TypeError|RangeError|SyntaxError|EvalError|URIError|ReferenceError|AggregateError)$/

const offenders = []
const figures = []
const offend = (rule, file, position, text) =>
  offenders.push(`${rule}: ${file.fileName}:${file.getLineAndCharacterOfPosition(position).line + 1} ${text}`)

function parse(path) {
  const text = readFileSync(join(root, path), 'utf8')
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

function walk(node, visit) {
  visit(node)
  ts.forEachChild(node, child => walk(child, visit))
}

const p95 = numbers => numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * 0.95) - 1] ?? 0

/** Reports the 95th percentile and the largest of some sizes, and each size above the limit. */
function holdSizes(name, sizes, { p95: wanted, max }) {
  const lines = sizes.map(size => size.lines)
  const [percentile, largest] = [p95(lines), Math.max(0, ...lines)]
  figures.push(
    `${name}: ${sizes.length}, p95 ${percentile} lines (at most ${wanted}), longest ${largest} (at most ${max})`,
  )
  if (percentile > wanted) {
    const above = sizes.filter(size => size.lines > wanted).sort((a, b) => b.lines - a.lines)
    offenders.push(`${name}: p95 is ${percentile}, above ${wanted}. The longest:`)
    for (const size of above.slice(0, 12)) offenders.push(`  ${size.lines} lines ${size.what}`)
  }
  for (const size of sizes.filter(({ lines: count }) => count > max)) {
    offenders.push(`${name}: ${size.lines} lines, above ${max}: ${size.what}`)
  }
}

/** Holds each folder to its budget. A folder without one, and a budget without a folder, is an offence too. */
function holdBudgets(files) {
  const folders = new Map(Object.keys(BUDGETS).map(name => [name, { lines: 0, files: 0 }]))
  for (const { fileName, text } of files) {
    const name = fileName
      .split('/')
      .slice(0, fileName.startsWith('dashboard/') ? 1 : 2)
      .join('/')
    const sum = folders.get(name)
    if (sum === undefined) offenders.push(`a folder without a budget: ${fileName}`)
    else {
      sum.lines += text.trimEnd().split('\n').length
      sum.files += 1
    }
  }
  for (const [name, sum] of folders) {
    const [lines, count] = BUDGETS[name]
    figures.push(`${name}: ${sum.lines} lines (at most ${lines}) in ${sum.files} files (at most ${count})`)
    if (sum.files === 0) offenders.push(`a budget for nothing: ${name}`)
    if (sum.lines > lines || sum.files > count)
      offenders.push(
        `above its budget: ${name} has ${sum.lines} lines of ${lines}, ${sum.files} files of ${count}`,
      )
  }
}

/** Every function with a body in braces, with its length from its first line to its last. */
function functionSizes(file) {
  const sizes = []
  walk(file, node => {
    if (!ts.isFunctionLike(node) || node.body === undefined || !ts.isBlock(node.body)) return
    const line = position => file.getLineAndCharacterOfPosition(position).line
    const start = line(node.getStart(file))
    const name = node.name?.getText(file) ?? node.parent.name?.getText?.(file) ?? 'a function'
    sizes.push({ lines: line(node.end) - start + 1, what: `${file.fileName}:${start + 1} ${name}` })
  })
  return sizes
}

/** What may not stand in src at all, node by node. */
function refuseInSource(file) {
  walk(file, node => {
    const at = node.getStart(file)
    if (node.kind === ts.SyntaxKind.AnyKeyword)
      offend('any', file, at, node.parent.getText(file).slice(0, 80))
    if (ts.isNonNullExpression(node) || (ts.isPropertyDeclaration(node) && node.exclamationToken)) {
      offend('non-null !', file, at, node.getText(file).slice(0, 80))
    }
    const bare = file.fileName === PLAYS_A_USER ? undefined : bareError(node)
    if (bare) offend('an error without a code', file, at, bare)
    if (file.fileName !== ENVIRONMENT_READER && readsEnvironment(node)) {
      offend(`the environment is read outside ${ENVIRONMENT_READER}`, file, at, node.getText(file))
    }
  })
  for (const found of file.text.matchAll(/\b(TODO|FIXME)\b/g))
    offend('a loose end', file, found.index, found[0])
  if (DRAWER.test(file.fileName)) offend('a name that says nothing', file, 0, '')
}

/** The text of `throw new Error(...)` or `reject(new Error(...))`, else undefined. */
function bareError(node) {
  const rejected =
    ts.isCallExpression(node) && /(^|\.)reject$/.test(node.expression.getText()) && node.arguments[0]
  const thrown = ts.isThrowStatement(node) ? node.expression : rejected
  if (!thrown || !(ts.isNewExpression(thrown) || ts.isCallExpression(thrown))) return undefined
  return BARE_ERRORS.test(thrown.expression.getText()) ? thrown.getText().slice(0, 80) : undefined
}

/** process.env, process['env'], const { env } = process, import { env } from 'node:process'. */
function readsEnvironment(node) {
  const isProcess = expression => /^(globalThis\.)?process$/.test(expression.getText())
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression)
  if (ts.isElementAccessExpression(node)) {
    return isProcess(node.expression) && /^['"`]env['"`]$/.test(node.argumentExpression.getText())
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    return (
      node.initializer !== undefined && isProcess(node.initializer) && /\benv\b/.test(node.name.getText())
    )
  }
  return (
    ts.isImportSpecifier(node) &&
    (node.propertyName ?? node.name).text === 'env' &&
    importedFrom(node) === 'process'
  )
}

const importedFrom = specifier => specifier.parent.parent.parent.moduleSpecifier.text.replace(/^node:/, '')

/** Suppressions need a reason of at least three words on the same line. */
function refuseSilence(file) {
  const marks =
    /(@ts-(?:ignore|nocheck|expect-error)|biome-ignore(?:-all|-start|-end)?(?: [\w/]+)?|(?:v8|c8|istanbul) ignore)([^\n]*)/g
  for (const found of file.text.matchAll(marks)) {
    const before = file.text.slice(file.text.lastIndexOf('\n', found.index) + 1, found.index)
    if (!/(\/\/|\/\*|^\s*\*)/.test(before)) continue
    const reason = found[2].replace('*/', '').match(/[\p{L}\p{N}'-]+/gu) ?? []
    if (found[1] === '@ts-ignore')
      offend('@ts-ignore, where @ts-expect-error would notice', file, found.index, '')
    if (reason.length < 3) offend('a suppression without a reason', file, found.index, found[0].trim())
  }
}

/** Waiting on the clock. */
function refuseWaiting(file) {
  walk(file, node => {
    const at = node.getStart(file)
    if (
      ts.isCallExpression(node) &&
      /(^|(?<!ctx)\.)(setTimeout|sleep)$/.test(node.expression.getText(file))
    ) {
      offend('a test that waits on wall time', file, at, node.getText(file).slice(0, 80))
    }
    if (ts.isImportDeclaration(node) && /^(node:)?timers\/promises$/.test(node.moduleSpecifier.text)) {
      offend('a test that waits on wall time', file, at, node.getText(file))
    }
  })
}

/** Whether the property belongs to the options of a test, of a suite or of the runner; tasks have a policy of that name. */
function isOfTests(property) {
  const options = property.parent
  if (ts.isCallExpression(options.parent)) return TESTS.test(options.parent.expression.getText())
  return ts.isPropertyAssignment(options.parent) && options.parent.name.getText() === 'test'
}

/** A failed test that is run once more is a failure that nobody mends. The number may be written in any way, and is none. */
function refuseRetries(file) {
  walk(file, node => {
    const isOption = ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)
    if (!isOption || node.name.getText(file) !== 'retry' || !isOfTests(node)) return
    offend('a failed test that is run again', file, node.getStart(file), node.getText(file))
  })
}

/** The declarations a file exports, re-exports from other files left out. */
function exportedDeclarations(file) {
  const listed = new Set()
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier || !statement.exportClause) continue
    if (!ts.isNamedExports(statement.exportClause)) continue
    for (const element of statement.exportClause.elements)
      listed.add((element.propertyName ?? element.name).text)
  }
  return file.statements.filter(statement => {
    if (
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    ) {
      return true
    }
    return declaredNames(statement).some(name => listed.has(name))
  })
}

function declaredNames(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(d => d.name.getText())
  return statement.name ? [statement.name.text] : []
}

/** Share of exported declarations with a doc comment of their own. Of overloads, the first one carries it. */
function holdDocumented(files) {
  const missing = []
  let total = 0
  for (const file of files) {
    const documented = new Set()
    for (const statement of exportedDeclarations(file)) {
      const name = declaredNames(statement).join(', ')
      if (ts.isFunctionDeclaration(statement) && documented.has(name)) continue
      total += 1
      if (ts.getJSDocCommentsAndTags(statement).some(ts.isJSDoc)) documented.add(name)
      else missing.push([file, statement, name])
    }
  }
  const share = total === 0 ? 1 : (total - missing.length) / total
  figures.push(
    `exported items: ${total}, documented ${(share * 100).toFixed(1)} % (at least ${LIMITS.documentedShare * 100})`,
  )
  if (share >= LIMITS.documentedShare) return
  for (const [file, statement, name] of missing) {
    offend('an exported item without a doc comment', file, statement.getStart(file), name)
  }
}

/** Ports stay small, so that an adapter can be written in a day. */
function holdPorts(files) {
  let largest = 0
  for (const file of files.filter(({ fileName }) => PORTS.includes(fileName))) {
    for (const port of file.statements.filter(ts.isInterfaceDeclaration)) {
      const methods = port.members.filter(
        member => ts.isMethodSignature(member) || (member.type && ts.isFunctionTypeNode(member.type)),
      )
      largest = Math.max(largest, methods.length)
      if (methods.length > LIMITS.portMethods) {
        offend(
          `a port of more than ${LIMITS.portMethods} methods`,
          file,
          port.getStart(file),
          `${port.name.text}: ${methods.length}`,
        )
      }
    }
  }
  figures.push(`ports: largest has ${largest} methods (at most ${LIMITS.portMethods})`)
}

const parseAll = folder =>
  filesUnder(join(root, folder))
    .filter(path => /\.m?[jt]sx?$/.test(path) && !path.includes('node_modules/'))
    .map(parse)

const sources = ['src', 'dashboard/src']
  .flatMap(parseAll)
  .filter(({ fileName }) => !GENERATED.includes(fileName))
const tests = parseAll('test')
const programs = ['examples', 'bench', 'scripts', 'bin'].flatMap(parseAll)

for (const folder of ['src', 'dashboard/src'])
  if (!sources.some(({ fileName }) => fileName.startsWith(`${folder}/`)))
    offenders.push(`${folder}/ holds no source`)
holdBudgets(sources)
holdSizes(
  'source files',
  sources.map(file => ({ lines: file.text.trimEnd().split('\n').length, what: file.fileName })),
  LIMITS.fileLines,
)
const isOfComponents = ({ fileName }) => fileName.endsWith('.tsx')
const [components, others] = [sources.filter(isOfComponents), sources.filter(file => !isOfComponents(file))]
holdSizes('functions in braces', others.flatMap(functionSizes), LIMITS.functionLines)
holdSizes('components', components.flatMap(functionSizes), LIMITS.componentLines)
holdDocumented(sources)
holdPorts(sources)
for (const file of sources) refuseInSource(file)
for (const file of [...sources, ...tests, ...programs]) refuseSilence(file)
for (const file of tests.filter(({ fileName }) => !MAY_WAIT.test(fileName))) refuseWaiting(file)
for (const file of [...tests, parse('vitest.config.ts')]) refuseRetries(file)

for (const line of figures) console.log(line)
for (const line of offenders) console.error(line)
console.log(`${sources.length} sources, ${tests.length} tests, ${offenders.length} offences`)
process.exitCode = offenders.length > 0 ? 1 : 0
