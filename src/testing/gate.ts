/** A gate that a handler waits at until the test opens it. */
export interface Gate<T = void> {
  readonly opened: Promise<T>
  open(value: T): void
}

/** A closed gate. */
export function createGate<T = void>(): Gate<T> {
  let open: (value: T) => void = () => undefined
  const opened = new Promise<T>(resolve => {
    open = resolve
  })
  return { opened, open }
}
