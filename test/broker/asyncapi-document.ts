import { createRequire } from 'node:module'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import ajvFormats from 'ajv-formats'
import { type AsyncApi, asyncApiOf, topologyOf } from '../../src/broker/rabbitmq/index.ts'

/** The document of a topology with two lanes and the stream of events. */
export function documentOf(prefix = ''): AsyncApi {
  const topology = topologyOf({ prefix, lanes: ['default', 'batch'], eventsStream: true })
  return asyncApiOf(topology, { version: '1.2.3' })
}

const require = createRequire(import.meta.url)

/** What the specification says against a document; nothing for a right one. */
export function faultsOf(document: unknown): readonly ErrorObject[] {
  validate ??= specification()
  return validate(document) ? [] : (validate.errors ?? [])
}

let validate: ValidateFunction | undefined

function specification(): ValidateFunction {
  const schema = require('@asyncapi/specs/schemas/3.1.0.json') as object
  // It brings the schema of schemas along.
  const ajv = withFormats({ strict: false, meta: false, validateSchema: false, unicodeRegExp: false })
  return ajv.compile(schema)
}

/** Checks payloads of the document's messages by their names. */
export function payloadsOf(document: AsyncApi): (message: string) => ValidateFunction {
  const ajv = withFormats({ strict: true, allErrors: true, strictRequired: false })
  ajv.addVocabulary(['components'])
  ajv.addSchema({ components: document.components }, 'asyncapi.json')
  return message => {
    const validate = ajv.getSchema(`asyncapi.json#/components/messages/${message}/payload`)
    if (validate === undefined) throw new Error(`The document has no message ${message}.`)
    return validate as ValidateFunction
  }
}

function withFormats(options: ConstructorParameters<typeof Ajv>[0]): Ajv {
  const ajv = new Ajv(options)
  ajvFormats.default(ajv)
  return ajv
}
