/** Returns the facts of an OpenAPI document, sorted. */
export function factsOf(document: object): string[]
/** Returns what breaks clients that were made for the facts before. */
export function breaksBetween(before: readonly string[], after: readonly string[]): string[]
