import { Button, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Suspense, useState } from 'react'
import { lazyPart } from '../browser/lazy-part.ts'
import { Dialog } from './dialog.tsx'
import { DialogForm } from './form.tsx'
import { notifyDone } from './notify.tsx'
import type { NumberFieldProps } from './number-field.tsx'

const NumberField = lazyPart<'NumberField', NumberFieldProps>(
  () => import('./number-field.tsx'),
  'NumberField',
)

/** A whole number of at least 1 that an operator may set. */
interface NumberToSet<Name extends string> {
  name: Name
  label: string
  hint?: string
  /** As it is now; absent: it has none, and may be left so. */
  now: number | undefined
  max: number
}

/** What was typed, by name; numbers that are not there were left empty. */
export type Typed<Name extends string> = Partial<Record<Name, number>>

interface SetDialogProps<Name extends string, Change> {
  words: { title: string; text: string; action: string; reset: string; done: string }
  numbers: readonly NumberToSet<Name>[]
  /** Whether there is something to set back. */
  isSet: boolean
  /** Returns what to save; undefined where there is nothing. */
  changeOf: (typed: Typed<Name>) => Change | undefined
  /** Null: all as configured. */
  save: (change: Change | null) => Promise<unknown>
  queryKey: readonly unknown[]
  onClose: () => void
}

/** Sets numbers in place of what is configured, or sets them back. It appears whole, so that its first field gets the focus. */
export function SetDialog<Name extends string, Change>(props: SetDialogProps<Name, Change>) {
  return (
    <Suspense>
      <NumbersDialog {...props} />
    </Suspense>
  )
}

function NumbersDialog<Name extends string, Change>(props: SetDialogProps<Name, Change>) {
  const { words, numbers, isSet, changeOf, save, queryKey, onClose } = props
  const queries = useQueryClient()
  const [given, setGiven] = useState<Readonly<Record<string, number | ''>>>({})
  const shownOf = ({ name, now }: NumberToSet<Name>) => given[name] ?? now ?? ''
  const set = useMutation({
    mutationFn: save,
    onSuccess() {
      notifyDone(words.done)
      onClose()
    },
    onSettled: () => queries.invalidateQueries({ queryKey }),
  })
  const isFine = (number: NumberToSet<Name>) => {
    const value = shownOf(number)
    if (value === '') return number.now === undefined
    return Number.isInteger(value) && value >= 1 && value <= number.max
  }
  const typed = Object.fromEntries(
    numbers.map(number => [number.name, shownOf(number)] as const).filter(([, value]) => value !== ''),
  ) as Typed<Name>
  const change = numbers.every(isFine) ? changeOf(typed) : undefined
  return (
    <Dialog title={words.title} onClose={onClose}>
      <DialogForm
        onSubmit={() => change !== undefined && set.mutate(change)}
        action={words.action}
        isBusy={set.isPending}
        isDisabled={change === undefined}
        error={set.error}
        aside={
          isSet && (
            <Button variant="subtle" onClick={() => set.mutate(null)}>
              {words.reset}
            </Button>
          )
        }
      >
        <Text size="sm">{words.text}</Text>
        {numbers.map((number, index) => (
          <NumberField
            key={number.name}
            label={number.label}
            description={number.hint}
            min={1}
            max={number.max}
            allowDecimal={false}
            data-autofocus={index === 0 || undefined}
            value={shownOf(number)}
            onChange={value => setGiven(before => ({ ...before, [number.name]: value }))}
          />
        ))}
      </DialogForm>
    </Dialog>
  )
}
