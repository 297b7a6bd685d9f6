import { readFile } from 'node:fs/promises'
import ts from 'typescript'

/** A hook of Node's module loader (`node:module` `register`): the tests' starters of servers are TypeScript, which Node 20 cannot read. */
export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const { outputText } = ts.transpileModule(await readFile(new URL(url), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  return { format: 'module', source: outputText, shortCircuit: true }
}
