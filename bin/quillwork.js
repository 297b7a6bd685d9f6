#!/usr/bin/env node
import { existsSync } from 'node:fs'

const server = '@quillwork/server'

/** The package of the server brings this command too. Where both are installed, npm may link this one. */
function ofServer() {
  try {
    return [new URL('dist/program/main.js', import.meta.resolve(`${server}/package.json`))]
  } catch {
    return []
  }
}

const places = [new URL('../dist/program/main.js', import.meta.url), ...ofServer()]
const entry = places.find(place => existsSync(place))
if (entry !== undefined) {
  const { main } = await import(entry.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  console.error(
    'quillwork: the command line is not here. It comes with @quillwork/server: npx @quillwork/server serve. In a clone of the repository, build it ' +
      'first: npm run build',
  )
  process.exitCode = 1
}
