import { createContext } from 'react'

/** What a dialog and the parts within it know of each other. */
interface DialogAround {
  /** One for each part with something typed that is not saved. */
  readonly unsaved: Set<symbol>
  /** Closes the dialog. Asks first where something typed is not saved. */
  readonly close: () => void
}

/** The innermost dialog around a part. Outside of dialogs nothing is closed. */
export const DialogContext = createContext<DialogAround>({ unsaved: new Set(), close() {} })
