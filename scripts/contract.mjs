// What the API promises, as lines that can be compared: `docs/contract.txt`. A line that is gone, or a new demand on what was there, breaks
// clients. Used by `npm run docs` and by the test of this comparison.

const demand = '! '

/** Returns the facts of an OpenAPI document, sorted. */
export function factsOf(document) {
  const facts = new Set()
  const components = document.components.schemas
  const queue = []
  const seen = new Set()
  const add = line => facts.add(line)
  const refer = (name, way) => {
    if (seen.has(`${way} ${name}`)) return
    seen.add(`${way} ${name}`)
    queue.push([name, way])
  }
  const walk = (schema, place, way) => walkSchema(schema, place, { add, refer, way })

  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods))
      operationFacts(`${method.toUpperCase()} ${path}`, operation, { add, walk, refer })
  // The schemas of the task types belong to the bodies of tasks, which take and send any.
  for (const name of Object.keys(components)) {
    if (/\.parameters$/.test(name)) refer(name, 'takes')
    if (/\.(progress|result)$/.test(name)) refer(name, 'sends')
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift())
    walk(components[next[0]], `${next[1]} ${next[0]}`, next[1])
  return [...facts].sort()
}

function operationFacts(
  place,
  { operationId, parameters = [], requestBody, responses },
  { add, walk, refer },
) {
  add(place)
  add(`${operationId} = ${place}`)
  for (const { in: where, name, required, schema } of parameters) {
    walk(schema ?? {}, `${place} ${where} ${name}`, 'takes')
    if (required && where !== 'path') add(`${demand}${place} requires ${where} ${name}`)
  }
  for (const [type, { schema }] of Object.entries(requestBody?.content ?? {}))
    walk(schema, `${place} takes ${type}`, 'takes')
  if (requestBody?.required) add(`${demand}${place} requires a body`)
  // Problems are the same everywhere: those who ask read their code.
  const answers = Object.entries(responses).filter(([status]) => !/^[45]/.test(status))
  for (const [status, { headers = {}, content = {} }] of answers) {
    add(`${place} sends ${status}`)
    for (const name of Object.keys(headers))
      if (name !== 'traceparent') add(`${place} sends ${status} header ${name}`)
    for (const [type, { schema, 'x-events': events = {} }] of Object.entries(content)) {
      walk(schema, `${place} sends ${status} ${type}`, 'sends')
      for (const [event, { $ref }] of Object.entries(events)) {
        add(`${place} sends event ${event}: ${nameOf($ref)}`)
        refer(nameOf($ref), 'sends')
      }
    }
  }
}

const nameOf = ref => ref.replace('#/components/schemas/', '')

function walkSchema(schema, place, to) {
  const { add, refer, way } = to
  if (schema.$ref !== undefined) {
    add(`${place}: ${nameOf(schema.$ref)}`)
    return refer(nameOf(schema.$ref), way)
  }
  const variants = schema.anyOf ?? schema.oneOf ?? []
  for (const [at, variant] of variants.entries()) walkSchema(variant, `${place}<${labelOf(variant, at)}>`, to)
  if (variants.length === 0) add(`${place}: ${typeOf(schema)}`)
  for (const value of schema.enum ?? (schema.const === undefined ? [] : [schema.const]))
    add(`${place} = ${JSON.stringify(value)}`)
  for (const part of schema.allOf ?? []) walkSchema(part, place, to)
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    walkSchema(property, `${place}.${name}`, to)
  for (const name of schema.required ?? [])
    add(way === 'takes' ? `${demand}${place} requires ${name}` : `${place} always has ${name}`)
  if (schema.items !== undefined) walkSchema(schema.items, `${place}[]`, to)
  if (typeof schema.additionalProperties === 'object' && Object.keys(schema.additionalProperties).length > 0)
    walkSchema(schema.additionalProperties, `${place}{}`, to)
}

function typeOf({ type, properties, enum: values }) {
  return [type ?? (properties ? 'object' : values ? 'value' : 'anything')].flat().join(' or ')
}

/** What tells a variant from the others, wherever it stands among them: its name, the value of its first constant, its type. */
function labelOf(variant, at) {
  if (variant.$ref !== undefined) return nameOf(variant.$ref)
  const constant = Object.values(variant.properties ?? {}).find(each => each.const !== undefined)
  return (
    constant?.const ?? (typeof variant.type === 'string' && variant.type !== 'object' ? variant.type : at)
  )
}

/** Returns what breaks clients that were made for the facts before: lines that say what is gone, and what is newly required. */
export function breaksBetween(before, after) {
  const [old, now] = [new Set(before), new Set(after)]
  const places = new Set(before.map(line => line.replace(/: .*$/, '')))
  // What belongs to something that is gone itself is not said again.
  const gone = before.filter(line => !line.startsWith(demand) && !now.has(line))
  const goneOperations = gone.filter(line => /^[A-Z]+ \/\S*$/.test(line))
  const isSaid = line => goneOperations.some(each => line !== each && line.includes(`${each} `))
  const required = after.filter(line => {
    const holder = /^! (.*) requires .*$/.exec(line)?.[1]
    return holder !== undefined && !old.has(line) && places.has(holder)
  })
  return [
    ...gone.filter(line => !isSaid(line)).map(line => `gone: ${line}`),
    ...required.map(line => `newly required: ${line.slice(demand.length)}`),
  ]
}
