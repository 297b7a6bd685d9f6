/** Models that people set up while a server runs. What their settings mean, and how their keys are encrypted, is the server's affair. */

/** A model as it is kept. */
export interface KeptModel {
  readonly id: string
  /** As they were given, without the key. */
  readonly settings: Readonly<Record<string, unknown>>
  /** The encrypted key. */
  readonly key?: Readonly<Record<string, unknown>>
}

/** All of them, in the order of preference; version 0 where there never was one. */
export interface KeptModels {
  readonly version: number
  readonly models: readonly KeptModel[]
}

/** Where they are kept. */
export interface ModelStore {
  read(): Promise<KeptModels>
  /** Writes all of them over the version that was read. */
  write(models: readonly KeptModel[], expectedVersion: number): Promise<'applied' | 'conflict'>
}
