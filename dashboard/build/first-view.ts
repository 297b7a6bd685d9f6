import { createHash } from 'node:crypto'
import path from 'node:path'
import { build, type Plugin } from 'vite'

const source = path.join(import.meta.dirname, '../src/first/first-view.ts')

/** Puts the first view before the program: a script of its own, which shares no file with it and waits for no style. */
export function firstView(): Plugin {
  let fileName: string
  let code: string
  return {
    name: 'first-view',
    apply: 'build',
    async buildStart() {
      code = await bundled()
      fileName = `assets/first-${createHash('sha256').update(code).digest('base64url').slice(0, 8)}.js`
    },
    transformIndexHtml: {
      order: 'post',
      handler: () => [
        {
          tag: 'script',
          attrs: { type: 'module', async: true, src: `/${fileName}` },
          injectTo: 'head-prepend',
        },
      ],
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName, source: code })
    },
  }
}

async function bundled(): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: source },
    },
  })
  const [file] = 'output' in made ? made.output : []
  if (file?.type !== 'chunk') throw new Error('The first view was not bundled.')
  return file.code
}
