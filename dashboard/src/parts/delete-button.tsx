import { Button, Stack, Text } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { Confirm } from './dialog.tsx'

interface DeleteButtonProps {
  action: string
  /** The question, and what is gone then. */
  title: string
  text: string
  /** Why it was not deleted. */
  failure: ReactNode
  isBusy: boolean
  onDelete: () => void
}

/** Deletes something once the person has said so. */
export function DeleteButton({ action, title, text, failure, isBusy, onDelete }: DeleteButtonProps) {
  const [isAsked, setIsAsked] = useState(false)
  return (
    <>
      <Button
        variant="subtle"
        color="red"
        leftSection={<IconTrash size={16} aria-hidden />}
        onClick={() => setIsAsked(true)}
      >
        {action}
      </Button>
      {isAsked && (
        <Confirm
          title={title}
          action={action}
          isDangerous
          isBusy={isBusy}
          onClose={() => setIsAsked(false)}
          onConfirm={onDelete}
        >
          <Stack gap="xs">
            <Text>{text}</Text>
            {failure}
          </Stack>
        </Confirm>
      )}
    </>
  )
}
