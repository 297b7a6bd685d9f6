import type { english } from './en/index.ts'

/** The same keys in every language. The English files decide which there are. */
export type Messages = SameKeys<typeof english>

type SameKeys<T> = { readonly [Key in keyof T]: T[Key] extends string ? string : SameKeys<T[Key]> }

declare module 'use-intl' {
  interface AppConfig {
    Messages: Messages
    Locale: 'en' | 'zh-CN'
  }
}
