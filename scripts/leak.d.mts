/** What was found of later scenes in the prompts of earlier ones. */
export interface Leak {
  readonly scenes: number
  /** Characters of all that was shown. */
  readonly shown: number
  readonly runs: readonly { readonly sceneId: string; readonly run: string }[]
  readonly names: readonly { readonly sceneId: string; readonly name: string }[]
}

export function leakOf(
  product: Readonly<Record<'readMaterial' | 'fitMaterial' | 'unitsOf' | 'findNames', unknown>>,
  novel: { services: unknown; userId: string; novelId: string; tokens: number },
): Promise<Leak>
