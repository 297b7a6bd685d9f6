import { NumberInput, type NumberInputProps } from '@mantine/core'
import { useState } from 'react'

/** A field for a number; `''` while it holds none. */
export interface NumberFieldProps extends Omit<NumberInputProps, 'value' | 'onChange'> {
  value: number | ''
  onChange: (value: number | '') => void
}

/** A field for a number. What is half typed, such as "0." or "0.50", stays as it is typed and counts as the number that it is so far. */
export function NumberField({ value, onChange, ...input }: NumberFieldProps) {
  const [typed, setTyped] = useState<number | string>(value)
  return (
    <NumberInput
      {...input}
      value={numberOf(typed) === value ? typed : value}
      onChange={given => {
        setTyped(given)
        onChange(numberOf(given))
      }}
    />
  )
}

/** Returns the number that is typed; `''` for what is none. */
function numberOf(typed: number | string): number | '' {
  return typed === '' || Number.isNaN(Number(typed)) ? '' : Number(typed)
}
