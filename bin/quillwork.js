#!/usr/bin/env node
import { existsSync } from 'node:fs'

const entry = new URL('../dist/program/main.js', import.meta.url)
if (existsSync(entry)) {
  const { main } = await import(entry.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  console.error('quillwork: dist/ is missing. In a clone of the repository, build it first: npm run build')
  process.exitCode = 1
}
