/** One measurement in a process of its own: `{ script, measure, options }` comes as JSON, the figures go back as a message. */
const { script, measure, options } = JSON.parse(process.argv[2])

const module = await import(new URL(script, import.meta.url))
const figures = await module[measure](options)
// Exit whatever a library may have left open: the figures are what the process was for.
process.send(figures, () => process.exit(0))
